"""The fields of a struct with their annotations resolved to wire types: between `wire.specs` and the compilers."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from wire.specs import NEWEST, OF_DEFAULTS, REQUIRED, Spec, StructType
from wire.types import (
    ARRAY,
    BOOLEAN,
    BYTES,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    RECORDS,
    STRING,
    UINT16,
    UUID,
    ZERO_UUID,
    Fixed,
    Variable,
)


@dataclass(frozen=True, slots=True)
class Type:
    """A wire type as a codec needs it: a primitive, a struct, or an array of either."""

    primitive: Fixed | Variable | None = None
    struct: StructType | None = None
    element: Type | None = None
    nullable: bool = False

    @property
    def zero(self) -> Any:
        """What Kafka says where there is nothing to say."""
        if self.struct is not None:
            return self.struct(**zeros_of(self.struct))
        return () if self.element is not None else _ZEROS[self.primitive]


_ZEROS: dict[Fixed | Variable | None, Any] = {
    **dict.fromkeys((INT8, INT16, UINT16, INT32, INT64), 0),
    BOOLEAN: False,
    FLOAT64: 0.0,
    UUID: ZERO_UUID,
    STRING: "",
    BYTES: b"",
    RECORDS: b"",
}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: Type
    spec: Spec

    def exists_in(self, version: int) -> bool:
        return self.spec.first <= version <= self.spec.last

    def nullable_in(self, version: int) -> bool:
        return self.type.nullable and version >= self.spec.nullable_since

    @property
    def default(self) -> Any:
        return self.spec.default


@cache
def fields_of(cls: StructType) -> tuple[Field, ...]:
    """The fields of `cls` in declared order. Raises TypeError where a declaration breaks a rule of `wire.schema`."""
    namespace = _namespace(cls)
    fields = []
    for name, spec in cls.specs.items():
        type_ = _resolve(eval(cls.__annotations__[name], namespace))
        if spec.default is REQUIRED and (spec.first > 0 or spec.last < NEWEST):
            raise TypeError(f"{cls.__qualname__}.{name} is not in all versions, so it must state a default")
        if spec.default is OF_DEFAULTS and not _has_only_defaults(type_.struct):
            raise TypeError(f"{cls.__qualname__}.{name}: OF_DEFAULTS is for structs whose fields all have a default")
        fields.append(Field(name, type_, spec))
    return tuple(fields)


def zeros_of(cls: StructType) -> dict[str, Any]:
    """Arguments for the fields that have no default."""
    return {field.name: field.type.zero for field in fields_of(cls) if field.default is REQUIRED}


def _has_only_defaults(struct: StructType | None) -> bool:
    return struct is not None and all(spec.default is not REQUIRED for spec in struct.specs.values())


def _namespace(cls: StructType) -> dict[str, Any]:
    """The names that annotations of `cls` may use: its module's, then those of the classes around it, then its own."""
    module = sys.modules[cls.__module__]
    namespace: dict[str, Any] = dict(vars(module))
    outer: Any = module
    for part in cls.__qualname__.split("."):
        if part == "<locals>":
            raise TypeError(f"{cls.__qualname__}: messages are declared at module level")
        outer = getattr(outer, part)
        namespace.update(vars(outer))
    return namespace


def _resolve(annotation: Any) -> Type:
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = [arm for arm in get_args(annotation) if arm is not type(None)]
        resolved = _resolve(inner)
        return Type(resolved.primitive, resolved.struct, resolved.element, nullable=True)
    if get_origin(annotation) is Annotated:
        python_type, wire_type = get_args(annotation)
        if wire_type is ARRAY:
            return Type(element=_resolve(get_args(python_type)[0]))
        return Type(primitive=wire_type)
    if isinstance(annotation, StructType) and not hasattr(annotation, "versions"):  # not a message
        return Type(struct=annotation)
    raise TypeError(f"not a wire type: {annotation!r}")
