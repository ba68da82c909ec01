"""The two errors the server raises on purpose, by who must hear of them: a client, or whoever started the broker."""

from __future__ import annotations

from collections.abc import Sequence

from wire.errors import ErrorCode


class BrokerError(Exception):
    """A request, or an item of one, is refused: its error code, and words for a person where Kafka has some."""

    def __init__(self, code: ErrorCode, message: str = "") -> None:
        super().__init__(message or code.message)
        self.code = code
        self.message = message or code.message

    @property
    def own_message(self) -> str | None:
        """None without words of its own: for answers where Kafka then sends none."""
        return None if self.message == self.code.message else self.message


class RecordsRefused(BrokerError):
    """A batch is refused because of some of its records: (index, why) of each (KIP-467)."""

    def __init__(self, code: ErrorCode, message: str, record_errors: Sequence[tuple[int, str]]) -> None:
        super().__init__(code, message)
        self.record_errors = record_errors


class StartupError(Exception):
    """The broker cannot start, or not go on; told in one line. Exit status 2: the settings or the usage are wrong."""

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_status = exit_status
