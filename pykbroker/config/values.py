"""A setting's text against its definition: what it means, or Kafka's own words for why it is wrong.

Knows types and valid values as `definitions` writes them; not where a text came from, nor what it is for.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Value = bool | int | float | str | tuple[str, ...] | None

_INTEGER_LIMITS = {"SHORT": 2**15, "INT": 2**31, "LONG": 2**63}
_RANGE = re.compile(r"\[(-?\d+),\.\.\.(?:,(-?\d+))?\](?: or (-?\d+))?")
_CHOICE = re.compile(r"(\(case insensitive\) )?\[([^\[\]:]+)\]")
_THROTTLED = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
_TRIMMED = "".join(map(chr, range(0x21)))  # what Java's trim() takes away, and no other white space
# Java's way to write one.
_DOUBLE = re.compile(
    r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?"
    r"|0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)[pP][+-]?\d+[fFdD]?)",
    re.ASCII,
)
_DURATION = re.compile(r"by_duration:P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.IGNORECASE)
_DURATION_CHOICE = "[latest, earliest, by_duration:PnDTnHnMn.nS]"


class Definition(NamedTuple):
    name: str
    type: str
    default: str | None
    valid: str | None

    @property
    def is_sensitive(self) -> bool:
        return self.type in ("PASSWORD", "UNKNOWN")  # what is not known may be a secret


class InvalidValueError(ValueError):
    """The message is Kafka's, for clients; `reason` its last part, for our own lines."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse(definition: Definition, text: str | None) -> Value:
    """The value that `text` means, checked; raises InvalidValueError."""
    if text is None:
        return None
    value = _parse_type(definition, text.strip(_TRIMMED))
    _check(definition, value)
    return value


def tidied(definition: Definition, text: str) -> str:
    """The same value written plainly, if it is one of the type."""
    try:
        return text_of(_parse_type(definition, text.strip(_TRIMMED))) or ""
    except InvalidValueError:
        return text


def text_of(value: Value) -> str | None:
    """As Kafka writes it when asked, however it was given."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return None if value is None else str(value)


def expected(definition: Definition) -> str:
    """What to write instead, for a person."""
    kinds = {
        "BOOLEAN": "true or false",
        "LIST": "a list, separated by commas",
        "DOUBLE": "a number",
        "INT": "an integer",
        "LONG": "an integer",
        "SHORT": "an integer",
    }
    kind = kinds.get(definition.type, "a text")
    valid = definition.valid
    if not valid:
        return kind
    if bounds := _RANGE.fullmatch(valid):
        low, high, other = bounds.groups()
        span = f"from {low} to {high}" if high else f"of at least {low}"
        return f"{kind} {span}" + (f", or {other}" if other else "")
    if choice := _CHOICE.fullmatch(valid):
        return ("some of " if definition.type == "LIST" else "one of ") + choice[2]
    return f"{kind}: {valid}"


def split_list(text: str) -> tuple[str, ...]:
    """Kafka's list: trimmed, each item once, in order of appearance."""
    text = text.strip(_TRIMMED)
    return tuple(dict.fromkeys(re.split(r"\s*,\s*", text, flags=re.ASCII))) if text else ()


def _parse_type(definition: Definition, text: str) -> Value:
    kind = definition.type
    if kind == "BOOLEAN":
        if text.lower() not in ("true", "false"):
            raise _invalid(definition, text, "Expected value to be either true or false")
        return text.lower() == "true"
    if kind in _INTEGER_LIMITS:
        limit = _INTEGER_LIMITS[kind]
        if not re.fullmatch(r"[+-]?\d{1,19}", text) or not -limit <= int(text) < limit:
            raise _invalid(definition, text, f"Not a number of type {kind}")
        return int(text)
    if kind == "DOUBLE":
        if not _DOUBLE.fullmatch(text):
            raise _invalid(definition, text, "Not a number of type DOUBLE")
        return float.fromhex(text.rstrip("fFdD")) if "x" in text.lower() else float(text.rstrip("fFdD"))
    return _parse_list(definition, text) if kind == "LIST" else text


def _parse_list(definition: Definition, text: str) -> tuple[str, ...]:
    items = split_list(text)
    if "" in items:
        raise InvalidValueError(
            f"Configuration '{definition.name}' values must not be empty.", "values must not be empty"
        )
    return items


def _check(definition: Definition, value: Value) -> None:
    valid = definition.valid
    if not valid:
        return
    if bounds := _RANGE.fullmatch(valid):
        _check_range(definition, value, bounds)
    elif valid == _THROTTLED:
        _check_throttled(definition, value)
    elif valid == _DURATION_CHOICE:
        if str(value) not in ("latest", "earliest") and not _DURATION.fullmatch(str(value)):
            again = (
                f"Invalid value `{value}` for configuration {definition.name}. The value must be either 'earliest', "
                "'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
            )
            raise _invalid(definition, value, again)
    elif choice := _CHOICE.fullmatch(valid):
        _check_choice(definition, value, choice)
    elif valid == "non-empty string" and value == "":
        raise _invalid(definition, value, "String must be non-empty")


def _check_range(definition: Definition, value: Value, bounds: re.Match[str]) -> None:
    assert isinstance(value, (int, float)), (definition, value)
    low, high, other = (None if bound is None else int(bound) for bound in bounds.groups())
    assert low is not None
    if other is not None and high is not None:
        if not low <= value <= high and value != other:
            raise _invalid(definition, value, f"Value must be between {low} and {high} or equal to {other}")
    elif value < low:
        raise _invalid(definition, value, f"Value must be at least {low}")
    elif high is not None and value > high:
        raise _invalid(definition, value, f"Value must be no more than {high}")


def _check_choice(definition: Definition, value: Value, choice: re.Match[str]) -> None:
    allowed = choice[2].split(", ")
    for item in value if isinstance(value, tuple) else (str(value),):
        if (item.upper() if choice[1] else item) not in allowed:
            kind = "String must be one of (case insensitive): " if choice[1] else "String must be one of: "
            raise _invalid(definition, item, kind + choice[2])


def _check_throttled(definition: Definition, value: Value) -> None:
    assert isinstance(value, tuple)
    if value != ("*",) and not all(re.fullmatch(r"[0-9]+:[0-9]+", item) for item in value):
        shown = "[" + ", ".join(value) + "]"
        reason = (
            f"{definition.name} must be the literal '*' or a list of replicas in the following format: {_THROTTLED}"
        )
        raise _invalid(definition, shown, reason)


def _invalid(definition: Definition, value: Value, reason: str) -> InvalidValueError:
    return InvalidValueError(f"Invalid value {value} for configuration {definition.name}: {reason}", reason)
