"""The command: what it says when it cannot start, and what it says when it does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interop_tests.harness import Broker, answers, clean_environment, free_port, wait_until

pytestmark = pytest.mark.only_pykbroker

SERVE = (sys.executable, "-P", "-m", "pykbroker", "serve")


def serve(*arguments: str, timeout_s: float = 15) -> tuple[int, str]:
    """Exit status and everything it said; a broker that does start is an error here."""
    done = subprocess.run(
        [*SERVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s,
        env=clean_environment(), check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout


def refusal(status_and_text: tuple[int, str]) -> str:
    """The one line that says why; anything else fails."""
    status, text = status_and_text
    assert status in (1, 2), text
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.strip() and not line.lower().startswith(("usage", "try "))]
    assert len(lines) == 1, text
    return lines[0]


def at(data_dir: Path) -> list[str]:
    return ["--listen", f"127.0.0.1:{free_port()}", "--data-dir", str(data_dir)]


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refusal(serve("--listen", f"127.0.0.1:{port}", "--data-dir", str(tmp_path)))

    assert str(port) in line
    assert "in use" in line


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_data_dir_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert str(tmp_path) in refusal(serve(*at(tmp_path)))


def test_a_data_dir_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "file" in refusal(serve(*at(tmp_path / "file")))


@pytest.mark.parametrize("name", ["meta.properties", "metadata.sqlite"])
def test_a_damaged_file_that_says_whose_the_data_is_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("what is this")

    assert name in refusal(serve(*at(tmp_path)))


def test_a_data_dir_below_what_does_not_let_one_in_is_said() -> None:
    assert "/proc/nowhere" in refusal(serve(*at(Path("/proc/nowhere"))))


@pytest.mark.parametrize(
    "override",
    [
        "num.partitions=many",
        "num.partitions=0",
        "log.segment.bytes=1",
        "auto.create.topics.enable=perhaps",
        "log.cleanup.policy=burn",
        "listeners=nonsense",
    ],
)
def test_a_value_that_cannot_be_is_said_with_its_setting(tmp_path: Path, override: str) -> None:
    assert override.partition("=")[0] in refusal(serve(*at(tmp_path), "--override", override))


def test_an_override_without_value_is_said(tmp_path: Path) -> None:
    assert "num.partitions" in refusal(serve(*at(tmp_path), "--override", "num.partitions"))


@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["--listen", "nonsense"], ["--config", "/no/such/file"]])
def test_flags_that_cannot_be_are_said(tmp_path: Path, arguments: list[str]) -> None:
    assert arguments[-1] in refusal(serve("--data-dir", str(tmp_path), *arguments))


def test_a_second_broker_on_the_same_data_is_refused(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker()

    line = refusal(serve(*at(broker.data_dir)))

    assert str(broker.data_dir) in line
    assert answers(broker.host, broker.port)


def test_an_unknown_setting_on_the_command_line_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    said = refusal(serve(*at(tmp_path), "--override", "num.partition=3"))

    assert "num.partition " in said
    assert "num.partitions" in said


def test_it_says_where_it_listens_where_the_data_is_and_how_to_connect(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker()

    assert broker.address in broker.log
    assert str(broker.data_dir) in broker.log
    assert "bootstrap" in broker.log


def test_its_log_can_be_json(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [*SERVE, "--listen", f"127.0.0.1:{port}", "--data-dir", str(tmp_path), "--log-format", "json"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    wait_until(lambda: answers("127.0.0.1", port))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)

    assert all(isinstance(json.loads(line), dict) for line in said.splitlines())
    assert len(said.splitlines()) >= 1


def test_ctrl_c_is_a_clean_stop(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker()
    broker.process.send_signal(signal.SIGINT)

    assert broker.process.wait(5) in (0, 130, -signal.SIGINT)
    assert "Traceback" not in broker.log
    assert (broker.data_dir / ".kafka_cleanshutdown").exists()


def test_settings_come_from_file_environment_and_flags_in_that_order(tmp_path: Path) -> None:
    """The later one wins; what is set where shows in DescribeConfigs."""
    from kafka.admin import ConfigResource, KafkaAdminClient

    port = free_port()
    (tmp_path / "server.properties").write_text(
        f"listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={tmp_path / 'data'}\n"
        "num.partitions=2\nlog.retention.hours=3\nmessage.max.bytes=5000\n"
    )
    environment = clean_environment() | {"KAFKA_NUM_PARTITIONS": "4", "KAFKA_LOG_RETENTION_HOURS": "5"}
    process = subprocess.Popen(
        [*SERVE, "--config", str(tmp_path / "server.properties"), "--override", "num.partitions=7"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        wait_until(lambda: answers("127.0.0.1", port))
        with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}") as admin:
            node = str(admin.describe_cluster()["brokers"][0]["broker_id"])
            settings = admin.describe_configs([ConfigResource("BROKER", node)], config_filter="all")["broker"][node]
    finally:
        process.kill()
        process.wait()

    told = [settings[key]["value"] for key in ("num.partitions", "log.retention.hours", "message.max.bytes")]
    assert told == ["7", "5", "5000"]
    assert (tmp_path / "data" / "meta.properties").exists()


def test_a_compose_file_for_another_image_starts_it_with_two_listeners(tmp_path: Path) -> None:
    """Each client is sent to the address of the listener that it came through."""
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient

    inside, outside = free_port(), free_port()
    environment = {
        "KAFKA_CFG_NODE_ID": "3",
        "KAFKA_CFG_PROCESS_ROLES": "controller,broker",
        "KAFKA_CFG_LISTENERS": f"INTERNAL://127.0.0.1:{inside},CONTROLLER://:9093,EXTERNAL://127.0.0.1:{outside}",
        "KAFKA_CFG_ADVERTISED_LISTENERS": f"INTERNAL://127.0.0.1:{inside},EXTERNAL://localhost:{outside}",
        "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT,INTERNAL:PLAINTEXT",
        "KAFKA_CFG_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS": "3@localhost:9093",
        "KAFKA_CFG_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_KRAFT_CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw",
        "ALLOW_PLAINTEXT_LISTENER": "yes",
        "KAFKA_HEAP_OPTS": "-Xmx1g",
    }
    process = subprocess.Popen(
        [*SERVE, "--ephemeral"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=clean_environment() | environment,
    )  # fmt: skip
    try:
        wait_until(lambda: answers("127.0.0.1", outside))
        clusters = []
        for port in (inside, outside):
            with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}") as admin:
                clusters.append(admin.describe_cluster())
        with KafkaProducer(bootstrap_servers=f"127.0.0.1:{outside}") as producer:
            producer.send("t", b"x").get(10)
        with KafkaConsumer(
            "t", bootstrap_servers=f"127.0.0.1:{inside}", auto_offset_reset="earliest", consumer_timeout_ms=5_000
        ) as consumer:
            assert b"x" == next(iter(consumer)).value
    finally:
        process.terminate()
        told, _ = process.communicate(timeout=10)

    assert {"4L6g3nShT-eMCtK--X86sw"} == {each["cluster_id"] for each in clusters}
    assert [("127.0.0.1", inside), ("localhost", outside)] == [
        (node["host"], node["port"]) for each in clusters for node in each["brokers"]
    ]
    assert [3, 3] == [node["broker_id"] for each in clusters for node in each["brokers"]]
    assert "unknown setting" not in told


def test_topics_are_there_when_the_port_opens(tmp_path: Path) -> None:
    from kafka.admin import KafkaAdminClient

    port = free_port()
    process = subprocess.Popen(
        [*SERVE, "--listen", f"127.0.0.1:{port}", "--ephemeral", "--topic", "orders:3,retention.ms=60000",
         "--override", "num.io.threads=9"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=clean_environment() | {"KAFKA_CREATE_TOPICS": "a:2:1,b:1:1:compact"},
    )  # fmt: skip
    try:
        wait_until(lambda: answers("127.0.0.1", port))
        with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}") as admin:
            topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    finally:
        process.terminate()
        told, _ = process.communicate(timeout=10)

    assert {"orders": 3, "a": 2, "b": 1} == topics
    assert 1 == told.count("settings without effect here: num.io.threads\n")


def test_an_ephemeral_broker_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [*SERVE, "--listen", f"127.0.0.1:{port}", "--ephemeral"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=clean_environment() | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    wait_until(lambda: answers("127.0.0.1", port))
    process.terminate()
    process.communicate(timeout=10)

    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_its_version_and_its_help() -> None:
    for arguments, expected in ((["--version"], "0."), (["--help"], "serve"), (["serve", "--help"], "--data-dir")):
        told = subprocess.run(
            [*SERVE[:-1], *arguments], capture_output=True, text=True, env=clean_environment(), check=True, timeout=15
        )
        assert expected in told.stdout
