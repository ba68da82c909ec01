"""Every message in every version: what is encoded is decoded to the same; wrong bytes raise ProtocolError alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wire.errors import ProtocolError
from wire.headers import RequestHeader, ResponseHeader
from wire.schema import Message
from wire.state_records import (
    GROUP_RECORDS,
    SHARE_RECORDS,
    TRANSACTION_RECORDS,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)
from wire.testing import api_messages, messages, versions_of

KEYS = [*GROUP_RECORDS.values(), *TRANSACTION_RECORDS.values(), *SHARE_RECORDS.values()]
MESSAGES: list[type[Message]] = [
    *api_messages(),
    RequestHeader,
    ResponseHeader,
    *KEYS,
    *(key.value_class for key in KEYS),
    ConsumerProtocolSubscription,
    ConsumerProtocolAssignment,
]

every_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda cls: cls.__name__)
some = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def round_trips(cls: type[Message], original: Message, version: int) -> bytes:
    encoded = bytes(original.encode(version))

    decoded = cls.decode(encoded, version)

    assert original == decoded
    assert encoded == bytes(decoded.encode(version))
    return encoded


def decode_or_refuse(cls: type[Message], data: bytes, version: int) -> None:
    """No exception but ProtocolError."""
    try:
        cls.decode(data, version)
    except ProtocolError:
        return


@every_message
@some
@given(data=st.data())
def test_what_is_encoded_is_decoded_to_the_same_in_every_version(message: type[Message], data: Any) -> None:
    for version in versions_of(message):
        round_trips(message, data.draw(messages(message, version)), version)


@every_message
@some
@given(data=st.data())
def test_every_prefix_of_a_message_is_refused(message: type[Message], data: Any) -> None:
    for version in versions_of(message):
        encoded = bytes(data.draw(messages(message, version)).encode(version))
        for length in range(len(encoded)):
            with pytest.raises(ProtocolError):
                message.decode(encoded[:length], version)
        with pytest.raises(ProtocolError, match="too many"):
            message.decode(encoded + b"\x00", version)


@every_message
@some
@given(data=st.data())
def test_flipped_bits_are_refused_or_are_another_message(message: type[Message], data: Any) -> None:
    for version in versions_of(message):
        encoded = bytearray(bytes(data.draw(messages(message, version)).encode(version)))
        for position in range(len(encoded)):
            for flip in (0x01, 0x80, 0xFF):
                encoded[position] ^= flip
                decode_or_refuse(message, bytes(encoded), version)
                encoded[position] ^= flip


@every_message
@some
@given(noise=st.binary(max_size=64))
def test_noise_is_refused_or_is_a_message(message: type[Message], noise: bytes) -> None:
    for version in versions_of(message):
        decode_or_refuse(message, noise, version)
        decode_or_refuse(message, noise.translate(_MOSTLY_SMALL), version)


# Lengths and counts are small numbers: noise of small numbers gets further into a decoder.
_MOSTLY_SMALL = bytes(byte if byte > 250 else byte % 4 for byte in range(256))


@pytest.mark.slow
@every_message
@many
@given(data=st.data())
def test_slow_round_trips_and_noise(message: type[Message], data: Any) -> None:
    version = data.draw(st.sampled_from(versions_of(message)))
    encoded = round_trips(message, data.draw(messages(message, version)), version)
    start, end = sorted((data.draw(st.integers(0, len(encoded))), data.draw(st.integers(0, len(encoded)))))

    decode_or_refuse(message, encoded[:start] + data.draw(st.binary(max_size=20)) + encoded[end:], version)
