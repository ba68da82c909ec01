"""What Apache Kafka 4.3 answers to administrators (`tests/facts`), asked of a broker's port: ours, or Kafka's own.

With `--broker=kafka --record-tools` the answers are kept anew. Kafka runs without eligible leader replicas, which we do
not have: with them it keeps `min.insync.replicas` for the whole cluster.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from interop_tests.harness import ROOT, Broker, Kind, wait_until
from interop_tests.raw import Closed, Connection
from pykbroker.administration_testing import LOG_DIRECTORY, alike, names_in, steps, with_names
from pykbroker.testing import unordered
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class, response_class
from wire.types import ZERO_UUID

AUTHORIZER = {
    "authorizer_class_name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super_users": "User:ANONYMOUS",
}
SETTLING_S = 0.05  # Kafka's brokers hear of a change after its answer has left


class Asking:
    """Plain data in, plain data out."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._connection = Connection(broker)
        self._names: dict[str, str] = {}
        self.cluster_id = self.ask(ApiKey.DESCRIBE_CLUSTER, 0, {"include_cluster_authorized_operations": False})[
            "cluster_id"
        ]

    def ask(self, key: int, version: int, request: Any) -> Any:
        """None if that ended the connection."""
        for name in names_in(request) - self._names.keys():
            self._names[name] = self._meaning(name)
        cls = request_class(ApiKey(key))
        header = RequestHeader(request_api_key=key, request_api_version=version, correlation_id=7, client_id="raw")
        body = bytes(from_plain(cls, with_names(request, self._names)).encode(version))
        self._connection.send_frame(bytes(header.encode(request_header_version(cls, version))) + body)
        try:
            frame = memoryview(self._connection.receive_frame())
        except Closed:
            self._connection = Connection(self._broker)
            return None
        _, start = ResponseHeader.decoder(response_header_version(cls, version))(frame, 0)
        return plain(response_class(ApiKey(key)).decode(frame[start:], version))

    def _meaning(self, name: str) -> str:
        if name == LOG_DIRECTORY:
            return str(self.ask(ApiKey.DESCRIBE_LOG_DIRS, 4, {"topics": []})["results"][0]["log_dir"])
        topics = [{"topic_id": ZERO_UUID.hex(), "name": name.removeprefix("@")}]
        told = self.ask(ApiKey.METADATA, 12, {"topics": topics, "allow_auto_topic_creation": False})
        return str(told["topics"][0]["topic_id"])

    def have_coordinators(self) -> None:
        """Their topics are made when somebody first asks."""
        for kind in (0, 1):
            request = {"key_type": kind, "coordinator_keys": ["k"]}
            wait_until(lambda: self.ask(ApiKey.FIND_COORDINATOR, 4, request)["coordinators"][0]["error_code"] == 0)  # noqa: B023 - asked at once


@pytest.mark.parametrize(
    ("name", "settings", "has_coordinators"),
    [
        ("acls", AUTHORIZER, False),
        ("config-administration", {}, False),
        ("odd-administration", {}, False),
        ("topic-administration", {}, True),
    ],
)
def test_an_administrator_is_answered_as_by_kafka(
    name: str, settings: dict[str, str], has_coordinators: bool, kind: Kind, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    broker = Broker(kind, tmp_path / "data", **settings)
    if kind.name == "kafka":
        broker.options = ("--feature", "eligible.leader.replicas.version=0")
    path = ROOT / "tests" / "facts" / f"kafka-{name}.json"
    try:
        asking = Asking(broker.start())
        if has_coordinators:
            asking.have_coordinators()
        answered = []
        for key, version, request, _ in steps(path):
            answered.append([key, version, request, alike(asking.ask(key, version, request), asking.cluster_id)])
            if kind.name == "kafka":
                time.sleep(SETTLING_S)
    finally:
        broker.close()

    if pytestconfig.getoption("record_tools"):
        record(path, answered)
    for number, (expected, got) in enumerate(zip(steps(path), answered, strict=True)):
        assert unordered(expected) == unordered(got), number


def record(path: Path, answered: list[Any]) -> None:
    source = json.dumps(json.loads(path.read_text())["source"])
    lines = ",\n".join(json.dumps(step) for step in answered)
    path.write_text(f'{{\n"source": {source},\n"steps": [\n{lines}\n]}}\n')
