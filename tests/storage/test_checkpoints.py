"""Checkpoints: Kafka's small text files, and what is made of damaged ones."""

from __future__ import annotations

import pytest

from storage import checkpoints
from storage.checkpoints import CorruptCheckpoint, MetaProperties, format_lines, parse_lines
from storage.errors import InconsistentDirectory
from storage.testing import MemoryFiles

TEXT = b"0\n2\nt 0 100\nu 12 7\n"
ID = bytes(range(16))


def test_offsets_are_written_as_kafka_writes_them(files: MemoryFiles) -> None:
    checkpoints.write_offsets(files, "/d/x", {("t", 0): 100, ("u", 12): 7})

    assert TEXT == files.read_bytes("/d/x")
    assert {("t", 0): 100, ("u", 12): 7} == checkpoints.read_offsets(files, "/d/x")


def test_every_part_of_a_file_but_the_whole_is_damaged() -> None:
    for size in range(len(TEXT)):
        with pytest.raises(CorruptCheckpoint):
            parse_lines(TEXT[:size], 3)


@pytest.mark.parametrize("text", [b"1\n0\n", b"0\n1\nt 0\n", b"0\n1\nt 0 x\n", b"0\n2\nt 0 1\n", b"\xff\n\n"])
def test_another_version_or_form_is_damaged(text: bytes) -> None:
    with pytest.raises(CorruptCheckpoint):
        parse_lines(text, 3)


def test_no_rows_are_a_file_too() -> None:
    assert [] == parse_lines(format_lines([]), 3)


def test_a_missing_or_damaged_file_says_nothing(files: MemoryFiles) -> None:
    files.write_atomically("/d/x", TEXT[:-3])

    assert {} == checkpoints.read_offsets(files, "/d/x") == checkpoints.read_offsets(files, "/d/none")


def test_ids_are_text_and_back() -> None:
    assert "AAECAwQFBgcICQoLDA0ODw" == checkpoints.uuid_text(ID)
    assert ID == checkpoints.parse_uuid("AAECAwQFBgcICQoLDA0ODw")
    with pytest.raises(ValueError, match="not an id"):
        checkpoints.parse_uuid("AAEC")


def test_a_new_id_looks_like_no_option() -> None:
    ids = {checkpoints.random_uuid() for _ in range(300)}

    assert 300 == len(ids)
    assert not any(checkpoints.uuid_text(uuid).startswith("-") for uuid in ids)


def test_a_directory_says_whose_it_is(files: MemoryFiles) -> None:
    properties = MetaProperties("cluster", 3, ID)

    properties.write(files, "/d")

    assert properties == MetaProperties.read(files, "/d")
    assert MetaProperties.read(files, "/") is None


def test_kafkas_meta_properties_can_be_read(files: MemoryFiles) -> None:
    files.write_atomically(
        "/d/meta.properties",
        b"#\n#Mon Jan 01 00:00:00 UTC 2024\nnode.id=1\ndirectory.id=AAECAwQFBgcICQoLDA0ODw\nversion=1\ncluster.id=c\n",
    )

    assert MetaProperties("c", 1, ID) == MetaProperties.read(files, "/d")


def test_those_of_zookeepers_time_get_a_directory_id(files: MemoryFiles) -> None:
    files.write_atomically("/d/meta.properties", b"version=0\nbroker.id=5\ncluster.id=c\n")

    found = MetaProperties.read(files, "/d")

    assert found is not None
    assert ("c", 5, 16) == (found.cluster_id, found.node_id, len(found.directory_id))


@pytest.mark.parametrize(
    "text", [b"", b"version=2\n", b"version=1\nnode.id=x\ncluster.id=c\n", b"version=1\nnode.id=1\n"]
)
def test_damaged_meta_properties_are_not_guessed_at(files: MemoryFiles, text: bytes) -> None:
    files.write_atomically("/d/meta.properties", text)

    with pytest.raises(InconsistentDirectory):
        MetaProperties.read(files, "/d")


def test_a_topic_id_is_read_back_and_a_damaged_one_is_none(files: MemoryFiles) -> None:
    checkpoints.write_topic_id(files, "/d", ID, sync=True)

    assert b"version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw" == files.read_bytes("/d/partition.metadata")
    assert ID == checkpoints.read_topic_id(files, "/d")
    files.write_atomically("/d/partition.metadata", b"version: 0\ntopic_id: AAEC")
    assert checkpoints.read_topic_id(files, "/d") is None


def test_a_clean_stop_leaves_a_mark(files: MemoryFiles) -> None:
    assert not checkpoints.has_clean_shutdown(files, "/d")

    checkpoints.write_clean_shutdown(files, "/d")

    assert checkpoints.has_clean_shutdown(files, "/d")
    assert b'{"version":0,"brokerEpoch":-1}' == files.read_bytes("/d/.kafka_cleanshutdown")
