"""Settings without effect: none of them is one that the code reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pykbroker
from pykbroker.config import Settings, broker_definitions
from pykbroker.config_effects import has_effect, without_effect

READ = re.compile(r'settings\.(?:optional_)?(?:int|str|bool|list|float|raw|value)\(\s*"([a-z0-9._]+)"\s*\)')


def test_what_the_code_reads_has_an_effect() -> None:
    read = set()
    for path in Path(pykbroker.__file__).parent.rglob("*.py"):
        read |= set(READ.findall(path.read_text()))

    assert len(read) > 20
    assert set() == {name for name in read if name in broker_definitions() and not has_effect(name)}


@pytest.mark.parametrize("name", ["log.retention.ms", "log.cleaner.threads", "node.id", "listeners", "num.partitions"])
def test_what_matters_is_not_called_without_effect(name: str) -> None:
    assert has_effect(name)


def test_only_what_somebody_set_is_told() -> None:
    settings = Settings.of(
        {"num.io.threads": "9", "num.partitions": "3", "listener.name.x.ssl.keystore.type": "PKCS12", "zzz": "1"}
    )

    assert ["listener.name.x.ssl.keystore.type", "num.io.threads"] == without_effect(settings)
