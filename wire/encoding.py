"""Compiles a message class and a version into one flat encode function.

It inlines every struct and writes runs of fixed-size fields with one `struct` call. Records are not copied: `refs` gets
them with the position at which they belong.

In the generated code `m` is the message, `out` a bytearray, and `n` a length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from wire.compiler import Writer, struct_of
from wire.errors import EncodeError
from wire.fields import Field, Type, fields_of
from wire.kept_array import KeptArray
from wire.specs import OF_DEFAULTS, StructType
from wire.types import MAX_STRING_BYTES, RECORDS, STRING, Fixed


def compile_encoder(cls: StructType, version: int, flexible: bool) -> Callable[..., Any]:
    w = Writer(flexible, version, _RUNTIME)
    title = f"{cls.__qualname__} v{version}"
    with w.block("try:"):
        _encode_struct(w, cls, "m", "out", 0)
        w.line("return")
    with w.block("except (struct_error, TypeError, AttributeError, UnicodeError) as error:"):
        w.line(f"raise EncodeError(f'{title}: {{error}}') from error")
    return w.build("encode(m, out, refs)", f"encode {title}")


def _encode_struct(w: Writer, cls: StructType, source: str, out: str, depth: int) -> None:
    fields = fields_of(cls)
    present = [field for field in fields if field.exists_in(w.version) and field.spec.tag is None]
    tagged = [field for field in fields if field.exists_in(w.version) and field.spec.tag is not None]
    for field in fields:
        if not field.exists_in(w.version) and not field.spec.droppable:
            message = f"{cls.__qualname__}.{field.name} does not exist in version {w.version}"
            w.line(f"if {_differs(w, field, f'{source}.{field.name}')}: raise EncodeError({message!r})")
    if not present and not w.flexible:
        w.line("pass")
    for is_fixed, run in groupby(present, key=lambda field: isinstance(field.type.primitive, Fixed)):
        if is_fixed:
            _encode_fixed(w, source, list(run), out)
        else:
            for field in run:
                value = f"{source}.{field.name}"
                _encode_value(w, field.type, value, out, depth, field.nullable_in(w.version), field)
    if w.flexible:
        _encode_tags(w, source, tagged, out, depth)


def _differs(w: Writer, field: Field, value: str) -> str:
    """An expression: is `value` something other than the field's default?"""
    if field.default == () and not field.nullable_in(w.version):
        return value
    if field.default == ():
        return f"{value} is None or {value}"
    if field.default is OF_DEFAULTS and field.type.struct is not None:  # several times faster than to compare structs
        null = [f"{value} is None"] if field.type.nullable else []
        inner = [_differs(w, f, f"{value}.{f.name}") for f in fields_of(field.type.struct)]
        return f"{value} is not {w.default(field)} and ({' or '.join([*null, *inner, f'{value}.unknown_tags'])})"
    if field.default is None or isinstance(field.default, bool):
        return f"{value} is not {field.default}"
    return f"{value} != {w.default(field)}"


def _encode_fixed(w: Writer, source: str, fields: list[Field], out: str) -> None:
    types = [field.type.primitive for field in fields]
    pack = w.constant("pack", struct_of("".join(t.code for t in types if isinstance(t, Fixed))).pack)
    w.line(f"{out} += {pack}({', '.join(f'{source}.{field.name}' for field in fields)})")


def _encode_value(
    w: Writer, type_: Type, value: str, out: str, depth: int, nullable: bool, field: Field | None = None
) -> None:
    compact = w.flexible and (field is None or field.spec.compact)
    if isinstance(type_.primitive, Fixed):
        w.line(f"{out} += {w.constant('pack', struct_of(type_.primitive.code).pack)}({value})")
        return
    local = w.fresh("v")
    w.line(f"{local} = {value}")
    if nullable:
        null = b"\x00" if field is not None and field.spec.tag is not None and type_.struct else _null(compact, type_)
        w.line(f"if {local} is None: {out} += {null!r}")
        with w.block("else:"):
            if type_.struct is not None:
                w.line(f"{out} += b'\\x01'")
            _encode_present(w, type_, local, out, depth, compact)
    else:  # None has no length and no fields: an EncodeError by itself
        _encode_present(w, type_, local, out, depth, compact)


def _encode_present(w: Writer, type_: Type, local: str, out: str, depth: int, compact: bool) -> None:
    if type_.struct is not None:
        _encode_struct(w, type_.struct, local, out, depth + 1)
    elif type_.element is not None:
        _encode_array(w, type_.element, local, out, depth, compact)
    else:
        _encode_bytes(w, type_, local, out, compact)


def _null(compact: bool, type_: Type) -> bytes:
    if type_.struct is not None:
        return b"\xff"
    if compact:
        return b"\x00"
    return b"\xff\xff" if type_.primitive is STRING else b"\xff\xff\xff\xff"


def _encode_length(w: Writer, length: str, out: str, compact: bool, *, is_short: bool = False) -> None:
    if compact:
        w.line(f"n = {length} + 1")
        w.line(f"if n < 128: {out}.append(n)")
        w.line(f"else: {'write_string_length' if is_short else 'write_uvarint'}({out}, n)")
    else:
        w.line(f"{out} += {'pack_h' if is_short else 'pack_i'}({length})")


def _encode_bytes(w: Writer, type_: Type, local: str, out: str, compact: bool) -> None:
    if type_.primitive is STRING:
        w.line(f"{local} = {local}.encode()")
    if type_.primitive is RECORDS:
        assert out == "out", "a position in a tagged field is none in the message"
        _encode_length(w, f"len({local})", out, compact)
        w.line(f"refs.append((len({out}), {local}))")
    else:
        _encode_length(w, f"len({local})", out, compact, is_short=type_.primitive is STRING)
        w.line(f"{out} += {local}")


def _encode_array(w: Writer, element: Type, local: str, out: str, depth: int, compact: bool) -> None:
    _encode_length(w, f"len({local})", out, compact)
    if isinstance(element.primitive, Fixed) and element.primitive.code != "16s":
        w.line(f"{out} += pack(f'!{{len({local})}}{element.primitive.code}', *{local})")
        return
    if element.struct is not None and depth == 0:
        encoder_of = w.constant("encoder_of", partial(compile_encoder, version=w.version, flexible=w.flexible))
        w.line(f"if type({local}) is KeptArray: {out} += {local}.encoded({w.version}, {encoder_of})")
        with w.block("else:"):
            _encode_each(w, element, local, out, depth)
    else:
        _encode_each(w, element, local, out, depth)


def _encode_each(w: Writer, element: Type, local: str, out: str, depth: int) -> None:
    item = w.fresh("i")
    with w.block(f"for {item} in {local}:"):
        if element.struct is not None:
            _encode_struct(w, element.struct, item, out, depth + 1)
        else:
            _encode_value(w, element, item, out, depth + 1, nullable=element.nullable)


def _encode_tags(w: Writer, source: str, tagged: list[Field], out: str, depth: int) -> None:
    if not tagged:
        w.line(f"if {source}.unknown_tags: write_tags({out}, {source}.unknown_tags, {{}})")
        w.line(f"else: {out}.append(0)")
        return
    known, part = w.fresh("g"), w.fresh("b")
    w.line(f"{known} = {{}}")
    for field in sorted(tagged, key=lambda field: field.spec.tag or 0):
        value = f"{source}.{field.name}"
        with w.block(f"if {_differs(w, field, value)}:"):
            w.line(f"{part} = bytearray()")
            _encode_value(w, field.type, value, part, depth, field.nullable_in(w.version), field)
            w.line(f"{known}[{field.spec.tag}] = {part}")
    w.line(f"if {known} or {source}.unknown_tags: write_tags({out}, {source}.unknown_tags, {known})")
    w.line(f"else: {out}.append(0)")


# --- what generated code calls


def write_uvarint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def write_tags(out: bytearray, unknown: dict[int, bytes] | None, known: dict[int, bytes | bytearray]) -> None:
    """The tagged fields in the order of their tags, those we know and those we only carry."""
    both = {**(unknown or {}), **known}
    write_uvarint(out, len(both))
    for tag in sorted(both):
        write_uvarint(out, tag)
        write_uvarint(out, len(both[tag]))
        out += both[tag]


def write_string_length(out: bytearray, value: int) -> None:
    """A compact string's length plus one."""
    if value > MAX_STRING_BYTES + 1:
        raise EncodeError(f"a string of {value - 1} bytes")
    write_uvarint(out, value)


_RUNTIME: dict[str, Any] = {
    "EncodeError": EncodeError,
    "KeptArray": KeptArray,
    "pack": struct.pack,
    "pack_h": struct.Struct("!h").pack,
    "pack_i": struct.Struct("!i").pack,
    "struct_error": struct.error,
    "write_string_length": write_string_length,
    "write_tags": write_tags,
    "write_uvarint": write_uvarint,
}
