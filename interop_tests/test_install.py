"""What pip installs: three packages, and a command that works."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from interop_tests.harness import ROOT, answers, clean_environment, free_port, wait_until

pytestmark = [pytest.mark.only_pykbroker, pytest.mark.timeout(300)]

NOT_COPIED = {".git", ".venv", ".cache", "build", "dist", "data"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the build leaves nothing in the tree."""
    home = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns(*NOT_COPIED, "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, home / "source", ignore=ignore)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(home), str(home / "source")]
    done = subprocess.run(build, capture_output=True, text=True, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stderr
    [built] = home.glob("*.whl")
    return built


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel).namelist()

    assert {"wire", "storage", "pykbroker"} == {name.split("/")[0] for name in files if ".dist-info/" not in name}
    for package in ("wire", "storage", "pykbroker"):
        in_tree = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        assert in_tree == {name for name in files if name.startswith(f"{package}/") and name.endswith(".py")}


def test_the_command_works_in_an_empty_venv(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin_dir = tmp_path / "venv" / "bin"
    subprocess.run(
        [bin_dir / "python", "-m", "pip", "install", "-q", str(wheel)],
        check=True,
        env=clean_environment(),
        cwd=tmp_path,
    )
    address = f"127.0.0.1:{free_port()}"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [bin_dir / "pykbroker", "serve", "--listen", address, "--data-dir", str(tmp_path / "data")],
            stdout=log, stderr=log, env=clean_environment(), cwd=tmp_path,
        )  # fmt: skip
    try:
        wait_until(
            lambda: answers("127.0.0.1", int(address.split(":")[1])), what=lambda: (tmp_path / "log").read_text()
        )
        with KafkaProducer(bootstrap_servers=address, compression_type="zstd") as producer:
            producer.send("topic", b"value").get(10)
        config = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 10_000}
        with KafkaConsumer("topic", bootstrap_servers=address, **config) as consumer:
            assert next(consumer).value == b"value"
    finally:
        process.terminate()
        assert process.wait(10) == 0
