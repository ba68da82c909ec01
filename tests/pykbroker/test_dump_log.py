from __future__ import annotations

from pathlib import Path

import pytest

from pykbroker import cli
from storage.cleaner_testing import KeyedLog
from storage.files import RealFiles


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log on disk with a little of everything."""
    monkeypatch.setattr(KeyedLog, "directory", f"{tmp_path}/d/t-0")
    monkeypatch.setattr(KeyedLog, "root", f"{tmp_path}/d")
    it = KeyedLog(RealFiles())
    for number in range(8):
        it.append((b"key%d" % number, b"value%d" % number), timestamp_ms=100 + number)
    it.append((b"a", None), producer_id=7, sequence=0, transactional=True)
    it.end_transaction(7, committed=False)
    it.close()
    return tmp_path / "d" / "t-0"


def test_batches_are_told_in_kafkas_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / f"{0:020}.log"

    assert cli.main(["dump-log", str(path)], {}) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"Dumping {path}", "Log starting offset: 0"]
    assert lines[2].startswith(
        "baseOffset: 0 lastOffset: 0 count: 1 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 "
        "partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty "
        "position: 0 CreateTime: 100 size: "
    )
    assert lines[2].endswith("isvalid: true")


def test_records_are_told_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = sorted(str(path) for path in folder.glob("*.log"))

    cli.main(["dump-log", "--print-data", *logs], {})

    told = capsys.readouterr().out
    assert (
        "| offset: 3 CreateTime: 103 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [h] key: key3 payload: value3"
        in told
    )
    assert "| offset: 8 CreateTime: 100 keySize: 1 valueSize: -1 sequence: 0 headerKeys: [h] key: a" in told
    assert "endTxnMarker: ABORT coordinatorEpoch: 0" in told


def test_the_other_files_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [
        path for path in sorted(folder.iterdir()) if path.suffix in (".index", ".timeindex", ".snapshot", ".txnindex")
    ]

    cli.main(["dump-log", *map(str, files)], {})

    told = capsys.readouterr().out
    assert "timestamp: 10" in told
    assert "producerId: 7 producerEpoch: 0 coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong.empty" in told
    assert "version: 0 producerId: 7 firstOffset: 8 lastOffset: 9 lastStableOffset: 10" in told


@pytest.mark.parametrize("name", ["notes.txt", "partition.metadata", "00000000000000000077.log"])
def test_what_is_no_file_of_a_log_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dump-log", str(folder / name)], {}) in (1, 2)
    assert capsys.readouterr().err.startswith("pykbroker: ")


def test_a_torn_end_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / f"{0:020}.log"
    with path.open("ab") as file:
        file.write(b"torn")

    cli.main(["dump-log", str(path)], {})

    assert "Found 4 invalid bytes at the end" in capsys.readouterr().out


def test_verify_says_what_was_read_and_whether_anything_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(folder.parent)], {}) == 0
    assert "10 batches, 10 records" in capsys.readouterr().out

    with (folder / f"{0:020}.log").open("r+b") as file:
        file.seek(70)
        file.write(b"\xff")

    assert cli.main(["verify", str(folder.parent)], {}) == 1
    assert "at 0: the batch at offset 0" in capsys.readouterr().out
    assert cli.main(["verify", str(folder / "nowhere")], {}) == 1
