"""A full disk: producers are told, nothing is torn, and with space it goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop_tests.harness import Broker, Kind
from interop_tests.raw import Connection, batch, create_topic, produce_request
from interop_tests.reading import read

STORAGE_ERROR = 56
SIZE_BYTES = 8 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.only_pykbroker
def test_a_full_disk_is_told_to_producers_and_waited_for(kind: Kind, small_disk: Path, tmp_path: Path) -> None:
    broker = Broker(kind, small_disk / "data")
    broker.log_path = tmp_path / "broker.log"
    values: list[bytes] = []

    def produce(connection: Connection) -> int:
        value = b"%06d" % len(values) * 5000
        [answer] = connection.ask(produce_request("t", batch([value])), 9).responses[0].partition_responses
        if answer.error_code == 0:
            assert answer.base_offset == len(values)
            values.append(value)
        return int(answer.error_code)

    try:
        create_topic(broker.start(), "t")
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(SIZE_BYTES // 2))
        with Connection(broker) as connection:
            while not (error := produce(connection)):
                pass
            assert error == STORAGE_ERROR
            assert len(values) > 50
            assert [produce(connection) for _ in range(3)] == [STORAGE_ERROR] * 3
            assert [value for _, _, value in read(broker, "t")] == values
            assert broker.log.count("a log directory is full") == 1
            ballast.unlink()
            assert [produce(connection) for _ in range(3)] == [0, 0, 0]
        assert [value for _, _, value in read(broker, "t")] == values
        broker.kill()
        broker.start()
        assert [value for _, _, value in read(broker, "t")] == values
        assert broker.terminate() == 0
    finally:
        broker.close()
