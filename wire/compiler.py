"""Writes functions: the text of one is put together line by line, registered with `linecache` and exec'd.

`wire.decoding` and `wire.encoding` compile a message class and a version into one flat function each; here is what they
share, and the constructors of structs. Tracebacks show the generated text.
"""

from __future__ import annotations

import linecache
import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from wire.fields import Field, fields_of
from wire.specs import OF_DEFAULTS, REQUIRED, StructType


class Writer:
    """Source text under construction, with the objects that it refers to by name."""

    def __init__(self, flexible: bool, version: int, runtime: Mapping[str, Any]) -> None:
        self.flexible = flexible
        self.version = version
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(runtime)
        self.indent = 1
        self._counter = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def block(self, text: str) -> _Block:
        self.line(text)
        return _Block(self)

    def fresh(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self._counter}"

    def constant(self, prefix: str, value: Any) -> str:
        """A name for `value` in the generated function."""
        for name, known in self.names.items():
            if known is value:
                return name
        name = self.fresh(prefix)
        self.names[name] = value
        return name

    def default(self, field: Field) -> str:
        """An expression for what `field` is where it was not said."""
        if field.default is OF_DEFAULTS:
            assert field.type.struct is not None
            return self.constant("D", struct_of_defaults(field.type.struct))
        return repr(field.default)

    def build(self, signature: str, title: str) -> Callable[..., Any]:
        name = signature.partition("(")[0]
        source = "\n".join([f"def {signature}:", *self.lines, ""])
        filename = f"<{title}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        namespace: dict[str, Any] = dict(self.names)
        exec(compile(source, filename, "exec"), namespace)
        function: Callable[..., Any] = namespace[name]
        return function


class _Block:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.indent += 1

    def __exit__(self, *exc: object) -> None:
        self._writer.indent -= 1


def compile_init(cls: StructType) -> None:
    """Give `cls` its `__init__`: keyword-only, with the declared defaults."""
    w = Writer(flexible=False, version=0, runtime={})
    arguments = _write_fields(w, cls)
    cls.__init__ = w.build(f"__init__(self{arguments})", f"{cls.__qualname__}.__init__")  # type: ignore[misc] # the point of it


def compile_maker(cls: StructType) -> Callable[..., Any]:
    """A function that does what the call of `cls` does."""
    w = Writer(flexible=False, version=0, runtime={"new": object.__new__})
    w.line(f"self = new({w.constant('C', cls)})")
    arguments = _write_fields(w, cls).removeprefix(", ")
    w.line("return self")
    return w.build(f"make({arguments})", f"make {cls.__qualname__}")


def _write_fields(w: Writer, cls: StructType) -> str:
    """Lines that set every field of `self`; the arguments that they take."""
    arguments = []
    for field in fields_of(cls):
        arguments.append(field.name if field.default is REQUIRED else f"{field.name}={w.default(field)}")
        w.line(f"self.{field.name} = {field.name}")
    w.line("self.unknown_tags = None")
    return "".join(f", {argument}" for argument in ["*", *arguments]) if arguments else ""


@cache
def struct_of_defaults(cls: StructType) -> Any:
    """What a field of this struct is where it was not said: one for all who ask, so it cannot be changed."""
    frozen = StructType(cls.__name__, (cls,), {"__module__": cls.__module__, "__slots__": ()})
    frozen.__qualname__ = cls.__qualname__
    frozen.specs = cls.specs
    made = compile_maker(cls)()
    made.__class__ = frozen
    frozen.__setattr__ = frozen.__delattr__ = _refuse  # type: ignore[assignment] # a method
    return made


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{name} of a default {type(self).__name__}, which many share")


_structs: dict[str, struct.Struct] = {}


def struct_of(codes: str) -> struct.Struct:
    """One Struct per run of codes, so that functions share it."""
    found = _structs.get(codes)
    if found is None:
        found = _structs[codes] = struct.Struct("!" + codes)
    return found
