"""An array that many answers share: its elements do not change, and are encoded once for each version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class KeptArray(tuple[T, ...]):
    """For the arrays of a message's own fields, whose encoders know it; elsewhere it is a tuple like any other."""

    _encoded: dict[int, bytes]

    def encoded(self, version: int, encoder_of: Callable[[Any], Callable[..., None]]) -> bytes:
        """Its elements, without their number; `encoder_of(type)` is how to encode one."""
        try:
            known = self._encoded
        except AttributeError:
            known = self._encoded = {}
        if version not in known:
            out = bytearray()
            if self:
                encode = encoder_of(type(self[0]))
                for element in self:
                    encode(element, out, ())
            known[version] = bytes(out)
        return known[version]
