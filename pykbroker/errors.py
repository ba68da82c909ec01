"""The two errors the server raises on purpose, by who must hear of them: a client, or whoever started the broker."""

from __future__ import annotations

from wire.errors import ErrorCode


class BrokerError(Exception):
    """A request, or an item of one, is refused: its error code, and words for a person where Kafka has some."""

    def __init__(self, code: ErrorCode, message: str = "") -> None:
        super().__init__(message or code.message)
        self.code = code
        self.message = message or code.message


class StartupError(Exception):
    """The broker cannot start, told in one line; exit status 2 means that the settings or the usage are wrong."""

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_status = exit_status
