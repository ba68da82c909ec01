"""The broker's loggers as a resource with settings (KIP-412): their levels, changed until the next start.

Levels bear Kafka's names. Loggers are those of our own packages, and the root of all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from pykbroker.config.resources import ConfigOp, Operation, node_id_of
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

ROOT = "root"
PACKAGES = ("pykbroker", "storage", "wire")
LEVELS = {
    "DEBUG": logging.DEBUG,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "INFO": logging.INFO,
    "TRACE": 5,
    "WARN": logging.WARNING,
}


def levels() -> Iterator[tuple[str, str]]:
    """Each logger with the level that holds for it."""
    yield ROOT, level_name(logging.root.level)
    for name in sorted(_names()):
        yield name, level_name(logging.getLogger(name).getEffectiveLevel())


def level_name(level: int) -> str:
    return next((name for name, number in LEVELS.items() if number == level), logging.getLevelName(level))


def alter(name: str, changes: Sequence[ConfigOp], *, node_id: int, validate_only: bool) -> None:
    """Raises BrokerError, with nothing changed."""
    found = node_id_of(name)
    if found != node_id:
        message = f"Unexpected node id. Expected {node_id}, but received {name}"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    for change in changes:
        _check(change)
    for change in changes if not validate_only else ():
        logger = logging.getLogger(None if change.name == ROOT else change.name)
        is_set = change.operation == Operation.SET
        logger.setLevel(LEVELS[change.value or ""] if is_set else logging.NOTSET)


def _check(change: ConfigOp) -> None:
    if change.operation not in tuple(Operation):
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)
    operation = Operation(change.operation)
    if operation in (Operation.APPEND, Operation.SUBTRACT):
        message = f"{operation.name} operation is not allowed for the BROKER_LOGGER resource"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    if change.name != ROOT and change.name not in _names():
        raise BrokerError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
    if operation == Operation.DELETE and change.name == ROOT:
        message = "Removing the log level of the root logger is not allowed"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    if operation == Operation.SET and change.value not in LEVELS:
        message = (
            f"Cannot set the log level of {change.name} to {change.value} as it is not a supported log level. "
            f"Valid log levels are {', '.join(LEVELS)}"
        )
        raise BrokerError(ErrorCode.INVALID_CONFIG, message)


def _names() -> set[str]:
    return {name for name in logging.root.manager.loggerDict if name.partition(".")[0] in PACKAGES}
