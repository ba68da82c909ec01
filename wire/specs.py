"""What a declaration says of a field, and the metaclass that takes it out of the class body (how: `wire.schema`).

The lowest of the modules that make messages, below the compilers that read declarations and `wire.schema`, which calls
the compilers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, dataclass_transform

NEWEST = 32767


class _Marker:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


REQUIRED: Any = _Marker("REQUIRED")
OF_DEFAULTS: Any = _Marker(
    "OF_DEFAULTS"
)  # the default of a struct field: a struct all of defaults, which cannot be changed


@dataclass(frozen=True, slots=True)
class Spec:
    """In which versions a field exists, and what holds in the others."""

    first: int = 0
    last: int = NEWEST
    default: Any = REQUIRED
    droppable: bool = False
    tag: int | None = None
    nullable_since: int = 0  # for a field annotated `| None`: earlier versions cannot say null
    compact: bool = True  # False: in the old form even in flexible versions (the client id of request headers)


def since(
    version: int,
    *,
    default: Any = REQUIRED,
    droppable: bool = False,
    nullable_since: int = 0,
    compact: bool = True,
) -> Any:
    """A field of `version` and later."""
    return Spec(version, NEWEST, default, droppable, None, nullable_since, compact)


def until(version: int, *, default: Any, droppable: bool = False, nullable_since: int = 0) -> Any:
    """A field of versions up to and including `version`."""
    return Spec(0, version, default, droppable, None, nullable_since)


def between(first: int, last: int, *, default: Any, droppable: bool = False, nullable_since: int = 0) -> Any:
    """A field of versions `first` to `last`, both included."""
    return Spec(first, last, default, droppable, None, nullable_since)


def tagged(tag: int, *, since: int, default: Any, droppable: bool = False) -> Any:
    """A tagged field (KIP-482) of version `since` and later: written only where it is not the default."""
    return Spec(since, NEWEST, default, droppable, tag)


def carried(*, init: Literal[False]) -> Any:  # noqa: ARG001 - read by type checkers
    """What every struct carries besides its fields: no constructor argument."""
    return None


@dataclass_transform(kw_only_default=True, eq_default=True, field_specifiers=(since, until, between, tagged, carried))
class StructType(type):
    """Moves the fields of a class body into `__slots__`, and keeps what was said of them in `specs`."""

    specs: dict[str, Spec]

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> StructType:
        specs = {}
        if bases:  # Struct itself has no fields
            for field, annotation in namespace.get("__annotations__", {}).items():
                if not annotation.startswith("ClassVar"):
                    said = namespace.pop(field, REQUIRED)
                    specs[field] = said if isinstance(said, Spec) else Spec(default=said)
            namespace["__slots__"] = tuple(specs)
        else:
            del namespace["unknown_tags"]  # a slot
        cls = super().__new__(mcls, name, bases, namespace, **options)
        cls.specs = specs
        return cls
