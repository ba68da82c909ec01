"""kcat, as typed in a shell."""

from __future__ import annotations

import json
import shutil

import pytest

from interop_tests.harness import Broker
from interop_tests.raw import create_topic
from interop_tests.tools import run

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (apt-get install kcat)")


def kcat(broker: Broker, *arguments: str, stdin: str = "") -> str:
    return run(["kcat", "-b", broker.address, *arguments], stdin=stdin)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
def test_lines_go_in_and_come_out(broker: Broker, name: str, codec: str) -> None:
    lines = [f"line {i} " + "again and " * 10 for i in range(1000)]
    create_topic(broker, name)
    kcat(broker, "-P", "-t", name, "-z", codec, stdin="\n".join(lines))

    assert lines == kcat(broker, "-C", "-t", name, "-e", "-q").splitlines()


def test_keys_headers_and_nulls_come_out_as_json(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    kcat(broker, "-P", "-t", name, "-K", ":", "-Z", "-H", "a=1", stdin="key:value\ntombstone:\n")

    first, second = (json.loads(line) for line in kcat(broker, "-C", "-t", name, "-e", "-q", "-J").splitlines())

    assert (name, 0, 0, "key", "value") == tuple(first[k] for k in ("topic", "partition", "offset", "key", "payload"))
    assert ["a", "1"] == first["headers"]
    assert ("tombstone", None) == (second["key"], second["payload"])


def test_offsets_are_counted_from_either_end(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    kcat(broker, "-P", "-t", name, stdin="\n".join(str(i) for i in range(10)))

    assert ["7", "8", "9"] == kcat(broker, "-C", "-t", name, "-e", "-q", "-o", "-3").splitlines()
    assert ["4", "5"] == kcat(broker, "-C", "-t", name, "-e", "-q", "-o", "4", "-c", "2").splitlines()
    assert f"{name} [0] offset 10" in kcat(broker, "-Q", "-t", f"{name}:0:-1")
    assert f"{name} [0] offset 0" in kcat(broker, "-Q", "-t", f"{name}:0:-2")


def test_a_group_reads_to_the_end(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    kcat(broker, "-P", "-t", name, stdin="one\ntwo")

    told = kcat(broker, "-G", name, "-X", "auto.offset.reset=earliest", "-e", "-q", name)

    assert ["one", "two"] == [line for line in told.splitlines() if not line.startswith("%")]


def test_the_broker_and_its_topics_are_listed(broker: Broker, name: str) -> None:
    create_topic(broker, name, partitions=3)

    told = json.loads(kcat(broker, "-L", "-J", "-t", name))

    assert [broker.address] == [node["name"] for node in told["brokers"]]
    assert told["controllerid"] == told["brokers"][0]["id"]
    assert [0, 1, 2] == sorted(partition["partition"] for partition in told["topics"][0]["partitions"])


def test_a_topic_comes_into_being_when_first_produced_to(broker: Broker, name: str) -> None:
    kcat(broker, "-P", "-t", name, stdin="first")

    assert "first\n" == kcat(broker, "-C", "-t", name, "-e", "-q")


def test_a_file_of_many_megabytes_comes_back_the_same(broker: Broker, name: str) -> None:
    lines = "\n".join(f"{i:099d}" for i in range(200_000))
    create_topic(broker, name)
    kcat(broker, "-P", "-t", name, stdin=lines)

    assert lines + "\n" == kcat(broker, "-C", "-t", name, "-e", "-q")
