"""How messages are declared: one class for all versions of a message, its fields annotated with wire types.

    class HeartbeatRequest(Request, api_key=12, versions=(0, 4), flexible=4):
        group_id: String
        generation_id: Int32
        member_id: String
        group_instance_id: String | None = since(3, default=None)

A field is in every version unless a specifier says otherwise. Three rules, checked when a codec is compiled:
a field that comes or goes states a default, which is what a reader of another version gets; a field present in all
versions has a default only where Kafka gives one; encoding a value other than the default into a version without the
field raises EncodeError, unless the field is `droppable` (Kafka's "ignorable").

At import nothing happens but the names of the fields moving into `__slots__`. Constructors, encoders and decoders are
compiled by `wire.compiler`, `wire.encoding` and `wire.decoding` when first used, and these modules are imported then:
they are half of what importing messages would take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from wire.specs import NEWEST, OF_DEFAULTS, StructType, between, carried, since, tagged, until

__all__ = [
    "OF_DEFAULTS",
    "Encoded",
    "Message",
    "Request",
    "Response",
    "Struct",
    "between",
    "maker",
    "since",
    "tagged",
    "until",
]

Arguments = ParamSpec("Arguments")
StructT = TypeVar("StructT", bound="Struct")


class Struct(metaclass=StructType):
    """A value with named fields. Compares by value; `unknown_tags` keeps tagged fields that we do not know, by tag."""

    __slots__ = ("unknown_tags",)
    unknown_tags: dict[int, bytes] | None = carried(init=False)

    def __init__(self, **fields: Any) -> None:
        from wire.compiler import compile_init

        cls = type(self)
        compile_init(cls)
        cls.__init__(self, **fields)  # now the compiled one

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Struct) or type(self).specs is not type(other).specs:
            return NotImplemented
        return self.unknown_tags == other.unknown_tags and all(
            _equal(getattr(self, name), getattr(other, name)) for name in type(self).specs
        )

    __hash__ = None  # type: ignore[assignment] # mutable, so not a key

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={_short(getattr(self, name))}" for name in type(self).specs)
        return f"{type(self).__qualname__}({fields})"


def maker(cls: Callable[Arguments, StructT]) -> Callable[Arguments, StructT]:
    """A function that makes the same as the call of `cls` in a third of the time: for what is made by every request.

    Python calls a class through a dict of the keywords, a function without.
    """
    from wire.compiler import compile_maker

    assert isinstance(cls, StructType)
    return compile_maker(cls)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return list(a) == list(b)
    return bool(a == b)


def _short(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, (bytes, memoryview)) and len(value) > 64 else repr(value)


class Encoded:
    """An encoded message: `head` holds all bytes but those of Records, which `refs` places in it by position."""

    __slots__ = ("head", "refs")

    def __init__(self, head: bytearray, refs: list[tuple[int, Any]]) -> None:
        self.head = head
        self.refs = refs

    def __bytes__(self) -> bytes:
        """All of it in one piece; only for records held in memory."""
        parts, start = [], 0
        for position, records in self.refs:
            parts += [self.head[start:position], records]
            start = position
        return b"".join([*parts, self.head[start:]])


class Message(Struct):
    """A struct that travels: it has versions, and codecs for each."""

    versions: ClassVar[tuple[int, int]]
    flexible: ClassVar[int]  # the first version with compact lengths and tagged fields (KIP-482)

    def __init_subclass__(cls, versions: tuple[int, int] = (0, -1), flexible: int = NEWEST, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.versions = versions
        cls.flexible = flexible
        cls._decoders = {}
        cls._encoders = {}

    @classmethod
    def is_flexible(cls, version: int) -> bool:
        """Raises ProtocolError where there is no such version."""
        first, last = cls.versions
        if not first <= version <= last:
            from wire.errors import ProtocolError

            raise ProtocolError(f"{cls.__name__} has no version {version}")
        return version >= cls.flexible

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview, version: int) -> Self:
        """The message in `data`, all of it. Raises ProtocolError where `data` is anything else."""
        message, end = cls.decoder(version)(memoryview(data), 0)
        if end != len(data):
            from wire.errors import ProtocolError

            raise ProtocolError(f"{cls.__name__} v{version}: {len(data) - end} bytes too many")
        return message  # type: ignore[no-any-return] # the compiled decoder returns cls

    def encode(self, version: int) -> Encoded:
        """Raises EncodeError where the values do not fit the version."""
        head = bytearray()
        refs: list[tuple[int, Any]] = []
        self.encoder(version)(self, head, refs)
        return Encoded(head, refs)

    @classmethod
    def decoder(cls, version: int) -> Any:
        """`decode(data: memoryview, position) -> (message, position behind it)`, compiled at the first call."""
        found = cls._decoders.get(version)
        if found is None:
            from wire.decoding import compile_decoder

            found = cls._decoders[version] = compile_decoder(cls, version, cls.is_flexible(version))
        return found

    @classmethod
    def encoder(cls, version: int) -> Any:
        """`encode(message, head: bytearray, refs: list)`, compiled at the first call."""
        found = cls._encoders.get(version)
        if found is None:
            from wire.encoding import compile_encoder

            found = cls._encoders[version] = compile_encoder(cls, version, cls.is_flexible(version))
        return found

    _decoders: ClassVar[dict[int, Any]]
    _encoders: ClassVar[dict[int, Any]]


class Request(Message):
    api_key: ClassVar[int]

    def __init_subclass__(cls, api_key: int = -1, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.api_key = api_key


class Response(Message):
    api_key: ClassVar[int]

    def __init_subclass__(cls, api_key: int = -1, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.api_key = api_key
