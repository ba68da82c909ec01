"""Where a share group begins to read a partition: `share.auto.offset.reset` (KIP-932)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pykbroker.partition import Partition

_DURATION = re.compile(
    r"by_duration:P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def start_offset_of(reset: str, partition: Partition, *, now_ms: int) -> int:
    if reset == "earliest":
        return partition.log_start_offset
    duration = _DURATION.fullmatch(reset)
    if duration is not None:
        found = partition.log.offset_for_timestamp(now_ms - _milliseconds(duration))
        if found is not None and found.offset < partition.high_watermark:
            return found.offset
    return partition.high_watermark


def _milliseconds(duration: re.Match[str]) -> int:
    return int(sum(float(said) * 1000 * _SECONDS[unit] for unit, said in duration.groupdict().items() if said))
