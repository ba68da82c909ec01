"""Listeners as Kafka writes them."""

from __future__ import annotations

import pytest

from pykbroker.endpoints import Listener, format_address, parse_listeners, parse_protocol_map

PROTOCOLS = {"PLAINTEXT": "PLAINTEXT", "INSIDE": "SASL_SSL"}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("PLAINTEXT://:9092", "", 9092),
        ("PLAINTEXT://0.0.0.0:0", "0.0.0.0", 0),
        ("plaintext://kafka-1.example_net:65535", "kafka-1.example_net", 65535),
        ("PLAINTEXT://[::1]:9092", "::1", 9092),
        ("PLAINTEXT://[fe80::1%eth0]:9092", "fe80::1%eth0", 9092),
        ("PLAINTEXT://[]:9092", "", 9092),
    ],
)
def test_a_listener_is_a_name_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert (Listener("PLAINTEXT", "PLAINTEXT", host, port),) == parse_listeners([text], PROTOCOLS)


def test_a_name_speaks_what_the_map_says() -> None:
    assert "SASL_SSL" == parse_listeners(["INSIDE://a:1"], PROTOCOLS)[0].security_protocol


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":9092",
        "PLAINTEXT",
        "PLAINTEXT://a",
        "PLAINTEXT://a:b",
        "PLAINTEXT://a:65536",
        "PLAINTEXT://a:1/b",
        "PLAINTEXT://::1:1",
        "UNKNOWN://a:1",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_listeners([text], PROTOCOLS)


def test_an_address_is_bound_once() -> None:
    assert 2 == len(parse_listeners(["PLAINTEXT://a:0", "PLAINTEXT://a:0"], PROTOCOLS))
    with pytest.raises(ValueError, match="same address"):
        parse_listeners(["PLAINTEXT://a:1", "INSIDE://a:1"], PROTOCOLS)


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert "[::1]:9092" == format_address("::1", 9092)
    assert "localhost:9092" == format_address("localhost", 9092)


def test_the_protocol_map_is_read_in_any_case() -> None:
    assert {"INSIDE": "SSL", "OUT": "PLAINTEXT"} == parse_protocol_map(" inside:ssl , OUT:PLAINTEXT,")


@pytest.mark.parametrize("text", ["INSIDE", "INSIDE:TLS", ":SSL"])
def test_a_protocol_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not NAME:PROTOCOL"):
        parse_protocol_map(text)
