"""Fixtures: the broker under test, the tools of the JVM, and clients in environments of their own."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop_tests.harness import KINDS, Broker, Kind
from interop_tests.tools import Java, Unavailable, Venv, java_tools


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broker", choices=sorted(KINDS), default="pykbroker", help="which broker the clients talk to")
    parser.addoption("--slow", action="store_true", default=False, help="also run the tests marked slow")
    parser.addoption("--record-tools", action="store_true", default=False, help="keep what tools print as expected")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_pykbroker: about pykbroker's own command or files, not about the protocol")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")  # of the clients, which are not ours
    config.addinivalue_line("markers", "slow: takes minutes; only with --slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: only with --slow"))
        if item.get_closest_marker("only_pykbroker") and config.getoption("broker") != "pykbroker":
            item.add_marker(pytest.mark.skip(reason="about pykbroker's own command or files"))


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen = KINDS[request.config.getoption("broker")]
    for tool in ("java", "mvn") if chosen.name == "kafka" else ():
        if shutil.which(tool) is None:
            pytest.skip(f"--broker=kafka needs `{tool}`")
    return chosen


@pytest.fixture(scope="session")
def broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker that most tests share; they do not kill it, and use names of their own."""
    shared = Broker(kind, tmp_path_factory.mktemp("shared") / "data")
    try:
        yield shared.start()
    finally:
        shared.close()


@pytest.fixture
def start_broker(kind: Kind, tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Start a broker of the test's own: `start_broker(num_partitions=3)`; settings with `_` for `.`, and `options` that
    only pykbroker has.
    """
    started: list[Broker] = []

    def start(*, listen: str | None = None, options: tuple[str, ...] = (), **overrides: object) -> Broker:
        started.append(Broker(kind, tmp_path / f"data-{len(started)}", listen=listen, **overrides))
        started[-1].options = options if kind.name == "pykbroker" else ()
        return started[-1].start()

    yield start
    for each in started:
        each.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for this test's topics and groups that no other test has."""
    plain = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return f"{plain[:60]}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def java() -> Java:
    return java_or_skip("4.3.0")


@pytest.fixture(scope="session", params=["4.3.0", "3.9.1"])
def each_java(request: pytest.FixtureRequest) -> Java:
    return java_or_skip(request.param)


def java_or_skip(version: str) -> Java:
    try:
        return java_tools(version)
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def venv() -> Callable[..., Venv]:
    """A venv with exactly the given packages, kept in .cache/ for the next run."""

    def make(*requirements: str) -> Venv:
        try:
            return Venv.with_packages(*requirements)
        except subprocess.CalledProcessError as failure:
            pytest.skip(f"{' '.join(requirements)} cannot be installed: {failure.stderr.strip()[-300:]}")

    return make
