"""Compiles a message class and a version into one flat decode function.

It inlines every struct and reads runs of fixed-size fields with one `struct` call, so that decoding costs about what
hand-written code does. All bounds are checked here: a peer's bytes raise ProtocolError, whatever they are.

In the generated code `d` is the data (a memoryview), `p` the position, `e` its end, `n` a length, and `o0`, `o1`... the
objects by depth.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from wire.compiler import Writer, struct_of
from wire.errors import ProtocolError
from wire.fields import Field, Type, fields_of
from wire.specs import StructType
from wire.types import MAX_STRING_BYTES, RECORDS, STRING, Fixed


def compile_decoder(cls: StructType, version: int, flexible: bool) -> Callable[..., Any]:
    w = Writer(flexible, version, _RUNTIME)
    w.line("e = len(d)")
    with w.block("try:"):
        _decode_struct(w, cls, "o0", 0)
        w.line("return o0, p")
    title = f"{cls.__qualname__} v{version}"
    with w.block("except (IndexError, struct_error) as error:"):
        w.line(f"raise ProtocolError('{title}: cut short') from error")
    return w.build("decode(d, p)", f"decode {title}")


def _decode_struct(w: Writer, cls: StructType, target: str, depth: int) -> None:
    """Lines that make a `cls` called `target`."""
    name = w.constant("C", cls)
    w.line(f"{target} = new({name})")
    present = [field for field in fields_of(cls) if field.exists_in(w.version) and field.spec.tag is None]
    tagged = [field for field in fields_of(cls) if field.exists_in(w.version) and field.spec.tag is not None]
    for field in fields_of(cls):
        if field not in present:
            w.line(f"{target}.{field.name} = {w.default(field)}")
    w.line(f"{target}.unknown_tags = None")
    fixed: list[Field] = []
    for field in present:
        if isinstance(field.type.primitive, Fixed):
            fixed.append(field)
            continue
        has_length = field.type.struct is None
        if fixed:
            _decode_fixed(w, target, fixed, _length_code(w, field) if has_length else "")
        _decode_value(
            w,
            field.type,
            f"{target}.{field.name}",
            depth,
            field.nullable_in(w.version),
            field,
            bool(fixed) and has_length,
        )
        fixed = []
    if fixed:
        _decode_fixed(w, target, fixed, "")
    if w.flexible:
        _decode_tags(w, target, tagged, depth)


def _decode_fixed(w: Writer, target: str, fields: list[Field], length_code: str) -> None:
    """A run of fixed-size fields, and the length `n` of what follows them: one unpack."""
    types = [field.type.primitive for field in fields]
    codes = "".join(t.code for t in types if isinstance(t, Fixed)) + length_code
    unpack = w.constant("unpack", struct_of(codes).unpack_from)
    targets = [f"{target}.{field.name}" for field in fields]
    if length_code:
        targets.append("n")
    w.line(f"{', '.join(targets)}{',' if len(targets) == 1 else ''} = {unpack}(d, p)")
    w.line(f"p += {struct_of(codes).size}")


def _length_code(w: Writer, field: Field) -> str:
    """How the length of `field` begins, as a letter of the `struct` module."""
    if w.flexible and field.spec.compact:
        return "B"
    return "h" if field.type.primitive is STRING else "i"


def _decode_value(
    w: Writer,
    type_: Type,
    target: str,
    depth: int,
    nullable: bool,
    field: Field | None = None,
    length_is_read: bool = False,
) -> None:
    """Lines that assign one value to `target`; with `length_is_read`, the first of its length is in `n` already."""
    compact = w.flexible and (field is None or field.spec.compact)
    if isinstance(type_.primitive, Fixed):
        read = f"{w.constant('unpack', struct_of(type_.primitive.code).unpack_from)}(d, p)[0]"
        w.line(f"{target} = {read}")
        w.line(f"p += {type_.primitive.size_bytes}")
    elif type_.struct is not None:
        _decode_nested(
            w, type_.struct, target, depth, nullable, is_tagged=field is not None and field.spec.tag is not None
        )
    else:
        _decode_length(w, compact, is_short=type_.primitive is STRING, is_read=length_is_read)
        with w.block("if n < 0:"):
            if nullable:
                w.line(f"{target} = None")
            else:
                w.line(f"raise ProtocolError('{field.name if field is not None else target} may not be null')")
        with w.block("else:"):
            if type_.element is not None:
                _decode_array(w, type_.element, target, depth)
            else:
                _decode_bytes(w, type_, target)


def _decode_length(w: Writer, compact: bool, *, is_short: bool, is_read: bool) -> None:
    """Lines that read a length into `n`: -1 is null."""
    if compact:
        if not is_read:
            w.line("n = d[p]; p += 1")
        w.line(f"if n > 127: n, p = {'read_string_length' if is_short else 'read_uvarint'}(d, p - 1)")
        w.line("n -= 1")
    elif is_read:
        return
    elif is_short:
        w.line("n, = unpack_h(d, p); p += 2")
    else:
        w.line("n, = unpack_i(d, p); p += 4")


def _decode_bytes(w: Writer, type_: Type, target: str) -> None:
    w.line("q = p + n")
    w.line("if q > e: raise ProtocolError('a length beyond the end')")
    if type_.primitive is STRING:
        # Like Java, which replaces what is not UTF-8 and goes on.
        w.line(f"{target} = str(d[p:q], 'utf-8', 'replace')")
    elif type_.primitive is RECORDS:
        w.line(f"{target} = d[p:q]")
    else:
        w.line(f"{target} = bytes(d[p:q])")
    w.line("p = q")


def _decode_nested(
    w: Writer, cls: StructType, target: str, depth: int, nullable: bool, *, is_tagged: bool = False
) -> None:
    """Lines for a struct. One that may be null follows a byte: -1 is null; in a tagged field 0 is null."""
    inner = f"o{depth + 1}"
    if nullable:
        w.line("n, = unpack_b(d, p); p += 1")
        with w.block("if n < 1:" if is_tagged else "if n < 0:"):
            w.line(f"{target} = None")
        with w.block("else:"):
            _decode_struct(w, cls, inner, depth + 1)
            w.line(f"{target} = {inner}")
    else:
        _decode_struct(w, cls, inner, depth + 1)
        w.line(f"{target} = {inner}")


def _decode_array(w: Writer, element: Type, target: str, depth: int) -> None:
    """Lines for an array of `n` elements. A count that the rest of the data cannot hold is refused before the loop."""
    size = _least_size(w, element)
    w.line(f"if n * {size} > e - p: raise ProtocolError('an array longer than its frame')")
    if isinstance(element.primitive, Fixed):
        w.line(
            f"{target} = list(unpack_from(f'!{{n}}{element.primitive.code}', d, p))"
            if element.primitive.code != "16s"
            else f"{target} = [bytes(d[i : i + 16]) for i in range(p, p + n * 16, 16)]"
        )
        w.line(f"p += n * {element.primitive.size_bytes}")
        return
    items, item = w.fresh("a"), f"o{depth + 1}"
    w.line(f"{items} = []")
    with w.block("for _ in range(n):"):
        if element.struct is not None:
            _decode_struct(w, element.struct, item, depth + 1)
        else:
            _decode_value(w, element, item, depth + 1, nullable=element.nullable)
        w.line(f"{items}.append({item})")
    w.line(f"{target} = {items}")


def _decode_tags(w: Writer, target: str, tagged: list[Field], depth: int) -> None:
    count, tag, stop = w.fresh("k"), w.fresh("t"), w.fresh("s")
    w.line(f"{count} = d[p]; p += 1")
    with w.block(f"if {count}:"):
        w.line(f"if {count} > 127: {count}, p = read_uvarint(d, p - 1)")
        with w.block(f"for _ in range({count}):"):
            w.line(f"{tag}, p = read_uvarint(d, p)")
            w.line("n, p = read_uvarint(d, p)")
            w.line(f"{stop} = p + n")
            w.line(f"if {stop} > e: raise ProtocolError('a tagged field beyond the end')")
            keyword = "if"
            for field in tagged:
                with w.block(f"{keyword} {tag} == {field.spec.tag}:"):
                    _decode_value(w, field.type, f"{target}.{field.name}", depth, field.nullable_in(w.version), field)
                    w.line(f"if p != {stop}: raise ProtocolError('a tagged field of another size')")
                keyword = "elif"
            with w.block("else:" if tagged else "if True:"):
                w.line(f"if {target}.unknown_tags is None: {target}.unknown_tags = {{}}")
                w.line(f"{target}.unknown_tags[{tag}] = bytes(d[p:{stop}])")
                w.line(f"p = {stop}")


def _least_size(w: Writer, type_: Type) -> int:
    """The fewest bytes that a value of this type takes; never 0, so that an array is bounded by its frame."""
    if isinstance(type_.primitive, Fixed):
        return type_.primitive.size_bytes
    if type_.struct is None:
        return 1 if w.flexible else 2 if type_.primitive is STRING else 4
    fields = [field for field in fields_of(type_.struct) if field.exists_in(w.version) and field.spec.tag is None]
    return max(1, sum(1 if field.type.struct else _least_size(w, field.type) for field in fields) + w.flexible)


# --- what generated code calls


def read_uvarint(data: memoryview, position: int) -> tuple[int, int]:
    """An unsigned varint of at most 32 bits, and the position behind it."""
    result = 0
    for shift in range(0, 35, 7):
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 128:
            if result > 0xFFFFFFFF:
                break
            return result, position
    raise ProtocolError("a varint of more than 32 bits")


def read_string_length(data: memoryview, position: int) -> tuple[int, int]:
    """A compact string's length plus one. More than an int16 holds is refused, as by Kafka."""
    length, position = read_uvarint(data, position)
    if length > MAX_STRING_BYTES + 1:
        raise ProtocolError(f"a string of {length - 1} bytes")
    return length, position


_RUNTIME: dict[str, Any] = {
    "ProtocolError": ProtocolError,
    "new": object.__new__,
    "read_string_length": read_string_length,
    "read_uvarint": read_uvarint,
    "struct_error": struct.error,
    "unpack_b": struct.Struct("!b").unpack_from,
    "unpack_from": struct.unpack_from,
    "unpack_h": struct.Struct("!h").unpack_from,
    "unpack_i": struct.Struct("!i").unpack_from,
}
