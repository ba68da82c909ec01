"""Log lines: one event, one line, on standard error, for eyes or (`json`) for machines.

An event's facts go beside its words: log.info("topic created", extra={"fields": {"topic": name}}). A traceback stays
within its line: escaped in JSON, indented below in text.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


def set_up(format_name: str, level: str, stream: TextIO | None = None) -> None:
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format_name == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A line that cannot be written (a closed pipe) must not become a traceback of its own.
    logging.raiseExceptions = False


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        words = [_timestamp(record), record.levelname.lower().ljust(7), one_line(record.getMessage())]
        words += [f"{name}={_shown(value)}" for name, value in _fields(record).items()]
        line = " ".join(words)
        if record.exc_info:
            line += "\n    " + self.formatException(record.exc_info).replace("\n", "\n    ")
        return line


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import json

        event: dict[str, object] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        event.update({name: value for name, value in _fields(record).items() if name not in event})
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str, ensure_ascii=False)


def one_line(text: str) -> str:
    """What a peer sent may hold anything; in a log it must not pass for lines of ours, or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _timestamp(record: logging.LogRecord) -> str:
    """UTC, ISO 8601."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields


def _shown(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text and '"' not in text else repr(text)
