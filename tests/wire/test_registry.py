"""ApiKey and the classes behind it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wire.registry import ApiKey, request_class, response_class


@pytest.mark.parametrize("key", list(ApiKey), ids=lambda key: key.title)
def test_every_key_has_a_request_and_a_response_of_its_name_and_key(key: ApiKey) -> None:
    request, response = request_class(key), response_class(key)

    assert (f"{key.title}Request", f"{key.title}Response") == (request.__name__, response.__name__)
    assert key == request.api_key == response.api_key


def test_titles_are_kafkas_names() -> None:
    assert ApiKey.OFFSET_FOR_LEADER_EPOCH.title == "OffsetForLeaderEpoch"


def test_every_module_says_what_its_api_does_and_names_its_key() -> None:
    for key in ApiKey:
        doc = sys.modules[request_class(key).__module__].__doc__ or ""
        assert doc.startswith(f"{key.title} (key {key.value}): "), key


def test_every_version_in_a_docstring_exists() -> None:
    for key in ApiKey:
        first, last = request_class(key).versions
        lines = (sys.modules[request_class(key).__module__].__doc__ or "").splitlines()
        named = [int(line.split()[0][1:]) for line in lines if line[:1] == "v" and line.split()[0][1:].isdigit()]
        assert named == sorted(set(named)), key
        assert all(first <= version <= last for version in named), key


def test_messages_are_imported_when_first_asked_for() -> None:
    code = (
        "import sys; from wire.registry import ApiKey, request_class\n"
        "assert not [m for m in sys.modules if m.startswith('wire.api.')]\n"
        "request_class(ApiKey.HEARTBEAT)\n"
        "assert [m for m in sys.modules if m.startswith('wire.api.')] == ['wire.api.heartbeat']\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
