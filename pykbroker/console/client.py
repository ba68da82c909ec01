"""A client for commands: one connection, one request at a time, blocking.

Knows no metadata and no retries. The newest version that both sides know is used.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any

from pykbroker import __version__
from pykbroker.errors import StartupError
from wire.api.api_versions import ApiVersionsRequest
from wire.errors import ErrorCode
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.registry import ApiKey, response_class
from wire.schema import Request

CLIENT_ID = "pykbroker"
_FIRST_WITH_SOFTWARE = 3


class CommandError(StartupError):
    """The command cannot do what it was asked for, told in one line."""


class Client:
    """Context manager; raises CommandError where the broker cannot be reached or does not speak Kafka."""

    def __init__(self, bootstrap_server: str, *, timeout_s: float = 30) -> None:
        self._name = bootstrap_server
        host, _, port = bootstrap_server.rpartition(":")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CommandError(f"cannot connect to {bootstrap_server}: {reason}") from None
        asked = ApiVersionsRequest(client_software_name=CLIENT_ID, client_software_version=__version__)
        answer = self._ask(asked, _FIRST_WITH_SOFTWARE)
        self._versions = {each.api_key: each.max_version for each in answer.api_keys}

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, request: Request, *, newest: int | None = None) -> Any:
        """The response; `newest` bounds the version, for messages that changed their shape."""
        key = ApiKey(request.api_key)
        if key not in self._versions:
            raise CommandError(f"{self._name} does not serve {key.title}")
        own = request.versions[1] if newest is None else newest
        return self._ask(request, min(own, self._versions[key]))

    def _ask(self, request: Request, version: int) -> Any:
        key = ApiKey(request.api_key)
        header = RequestHeader(request_api_key=key, request_api_version=version, correlation_id=0, client_id=CLIENT_ID)
        message = bytes(header.encode(request_header_version(type(request), version))) + bytes(request.encode(version))
        try:
            self._socket.sendall(struct.pack(">i", len(message)) + message)
            size = struct.unpack(">i", self._read(4))[0]
            frame = memoryview(self._read(size))
        except OSError as error:
            raise CommandError(f"{self._name} did not answer {key.title}: {error.strerror or error}") from None
        _, start = ResponseHeader.decoder(response_header_version(type(request), version))(frame, 0)
        return response_class(key).decode(frame[start:], version)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            received = self._socket.recv(size - len(data))
            if not received:
                raise CommandError(f"{self._name} closed the connection")
            data += received
        return data


def check(code: int, message: str | None, what: str) -> None:
    """Raises CommandError with the broker's own words, or ours for the code."""
    if code:
        words = {int(known): known.message for known in ErrorCode}
        raise CommandError(f"{what}: {message or words.get(code, f'error {code}')}")
