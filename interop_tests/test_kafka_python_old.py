"""kafka-python 2: the versions that people have, each in a venv of its own; what they do is in old_kafka_python.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interop_tests.harness import Broker
from interop_tests.tools import Venv

PROGRAM = Path(__file__).with_name("old_kafka_python.py")
CODECS = ("lz4", "python-snappy", "zstandard")


@pytest.mark.parametrize("version", ["2.0.2", "2.2.15"])
def test_an_old_client_does_what_it_always_did(
    broker: Broker, name: str, venv: Callable[..., Venv], version: str
) -> None:
    if version == "2.0.2" and sys.version_info >= (3, 12):
        pytest.skip("kafka-python 2.0.2 does not run on Python 3.12 and later")
    python = venv(f"kafka-python=={version}", *CODECS)

    assert "all is well" in python.run(str(PROGRAM), broker.address, name)


@pytest.mark.parametrize("api_version", ["2.5.0"])
def test_an_old_client_that_takes_the_broker_for_an_old_one(
    broker: Broker, name: str, venv: Callable[..., Venv], api_version: str
) -> None:
    """It does not ask for the versions then, but uses those of that time."""
    python = venv("kafka-python==2.2.15", *CODECS)

    assert "all is well" in python.run(str(PROGRAM), broker.address, name, api_version)
