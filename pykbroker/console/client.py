"""A client for commands: blocking, one request at a time, over a connection to each node that has to be asked.

The newest version that both sides know is used. Retried is only what says of itself that it is for a moment.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from pykbroker import __version__
from pykbroker.errors import StartupError
from wire.api.api_versions import ApiVersionsRequest
from wire.api.find_coordinator import FindCoordinatorRequest
from wire.api.metadata import MetadataRequest
from wire.errors import ErrorCode
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.registry import ApiKey, response_class
from wire.schema import Request

CLIENT_ID = "pykbroker"
BY_ONE_KEY = 3  # the newest FindCoordinator with a single key
FOR_A_MOMENT = (
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR,
)  # fmt: skip
PATIENCE_S = 15.0
BETWEEN_ATTEMPTS_S = 0.1
_FIRST_WITH_SOFTWARE = 3


class CommandError(StartupError):
    """The command cannot do what it was asked for, told in one line."""


class Client:
    """Context manager; raises CommandError where the broker cannot be reached or does not speak Kafka."""

    def __init__(self, bootstrap_server: str, *, timeout_s: float = 30) -> None:
        self._timeout_s = timeout_s
        self._nodes: dict[str, Client] = {}  # those beside the one that was given
        self.name, self._socket = _connected(bootstrap_server, timeout_s)
        asked = ApiVersionsRequest(client_software_name=CLIENT_ID, client_software_version=__version__)
        answer = self._ask(asked, _FIRST_WITH_SOFTWARE)
        self._versions = {each.api_key: each.max_version for each in answer.api_keys}

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self._nodes.values():
            node._socket.close()
        self._socket.close()

    def node(self, host: str, port: int) -> Client:
        """The client of a node; closed with this one."""
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if name == self.name:
            return self
        if name not in self._nodes:
            self._nodes[name] = Client(name, timeout_s=self._timeout_s)
        return self._nodes[name]

    def coordinator(self, group_id: str) -> Client:
        """The client of the node that coordinates a group."""
        request = FindCoordinatorRequest(key=group_id)
        found = patiently(lambda: self.ask(request, newest=BY_ONE_KEY), lambda answer: int(answer.error_code))
        check(found.error_code, found.error_message, f"cannot find the coordinator of group {group_id}")
        return self.node(found.host, found.port)

    def broker(self, node_id: int) -> Client:
        """The client of a node, by its id."""
        for each in self.ask(MetadataRequest(topics=(), allow_auto_topic_creation=False)).brokers:
            if each.node_id == node_id:
                return self.node(each.host, each.port)
        raise CommandError(f"there is no broker {node_id}")

    def all_brokers(self) -> list[Client]:
        metadata = self.ask(MetadataRequest(topics=(), allow_auto_topic_creation=False))
        return [self.node(each.host, each.port) for each in metadata.brokers]

    def ask(self, request: Request, *, newest: int | None = None) -> Any:
        """The response; `newest` bounds the version, for messages that changed their shape."""
        key = ApiKey(request.api_key)
        if key not in self._versions:
            raise CommandError(f"{self.name} does not serve {key.title}")
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
            raise CommandError(f"{self.name} did not answer {key.title}: {error.strerror or error}") from None
        _, start = ResponseHeader.decoder(response_header_version(type(request), version))(frame, 0)
        return response_class(key).decode(frame[start:], version)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            received = self._socket.recv(size - len(data))
            if not received:
                raise CommandError(f"{self.name} closed the connection")
            data += received
        return data


def _connected(bootstrap_server: str, timeout_s: float) -> tuple[str, socket.socket]:
    """To the first server of a list that can be reached."""
    reason = ""
    for name in bootstrap_server.split(","):
        host, _, port = name.strip().rpartition(":")
        try:
            return name.strip(), socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise CommandError(f"cannot connect to {bootstrap_server}: {reason}")


def patiently(ask: Callable[[], Any], code: Callable[[Any], int]) -> Any:
    """Ask again while the answer has an error of a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = ask()
        if code(answer) not in FOR_A_MOMENT or time.monotonic() > deadline:
            return answer
        time.sleep(BETWEEN_ATTEMPTS_S)


def words(code: int, message: str | None = None) -> str:
    """The broker's own words, or ours for the code."""
    return message or {int(known): known.message for known in ErrorCode}.get(code, f"error {code}")


def check(code: int, message: str | None, what: str) -> None:
    """Raises CommandError with the broker's own words, or ours for the code."""
    if code:
        raise CommandError(f"{what}: {words(code, message)}")
