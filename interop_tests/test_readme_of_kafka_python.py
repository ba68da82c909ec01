"""Whatever kafka-python's README shows works as pasted.

The examples are taken from the README as it is installed. They are run as they stand, but for what a README cannot
know: where the broker is, and that a loop over a consumer must end some day.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from interop_tests.harness import Broker, clean_environment

NOT_SERVED_YET = ("transactional_id", "begin_transaction")


def examples(language: str) -> list[str]:
    readme = metadata("kafka-python").get_payload()
    blocks = re.split(rf"^\.\. code-block:: {language}\n", readme, flags=re.MULTILINE)[1:]
    return [textwrap.dedent(re.match(r"\n*((?: +.*\n|\n)+)", block).group(1)).strip() for block in blocks]


@pytest.fixture
def readme_broker(start_broker: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Where the README's programs look for a broker, and with something to read in every topic they name."""
    broker = start_broker()
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.create_topics([NewTopic("foobar", 3, 1)])
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for topic in ("my_favorite_topic", "json-foo", "txn_topic"):
            producer.send(topic, b'{"a": 1}', headers=[("h", b"1")])
        producer.send("foobar", b"x", partition=2)
    settings = {"bootstrap_servers": broker.address, "consumer_timeout_ms": 1000, "auto_offset_reset": "earliest"}
    for client in (KafkaConsumer, KafkaProducer):
        for key, value in settings.items():
            if key in client.DEFAULT_CONFIG:
                monkeypatch.setitem(client.DEFAULT_CONFIG, key, value)
    return broker


def test_the_python_examples_run(readme_broker: Broker) -> None:
    names: dict[str, object] = {}
    printed = io.StringIO()
    clients: set[KafkaConsumer | KafkaProducer] = set()
    ran = 0
    for example in examples("python"):
        if any(word in example for word in NOT_SERVED_YET) or "basicConfig" in example:
            continue
        pasted = re.sub(r"localhost:\d+", readme_broker.address, example)
        with contextlib.redirect_stdout(printed):
            exec(compile(pasted, "README", "exec"), names)
        ran += 1
        clients |= {each for each in names.values() if isinstance(each, KafkaConsumer | KafkaProducer)}
        if "group_id" in pasted:
            assert "ConsumerRecord" in printed.getvalue()

    for client in clients:
        client.close()
    assert ran >= 12
    with KafkaConsumer("foobar", consumer_timeout_ms=2000) as consumer:
        values = {record.value for record in consumer}
    assert {b"some_message_bytes", b"another_message", b"bar", b"msg 999", b"c29tZSB2YWx1ZQ=="} <= values


def test_the_shell_examples_run(readme_broker: Broker, tmp_path: Path) -> None:
    [block] = examples("bash")
    lines = [line for line in block.splitlines() if line and not line.startswith(("#", "pip "))]
    commands = " && ".join(lines).replace("localhost:9092", readme_broker.address)
    path = f"{Path(sys.executable).parent}:{clean_environment()['PATH']}"

    told = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env=clean_environment() | {"PATH": path}, check=False,
    )  # fmt: skip

    assert told.returncode == 0, told.stderr[-2000:]
    assert "foo message" in told.stdout
