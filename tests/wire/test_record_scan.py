from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import InvalidRecord
from wire.record_batch import Record, RecordBatch, build
from wire.record_scan import scan

RECORDS = st.lists(
    st.builds(
        Record,
        timestamp_ms=st.integers(0, 2**41),
        key=st.none() | st.binary(max_size=200),
        value=st.none() | st.binary(max_size=200),
        headers=st.lists(st.tuples(st.binary(max_size=3), st.none() | st.binary(max_size=3)), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=150,
)


@given(RECORDS)
def test_it_sees_what_decoding_sees(records: list[Record]) -> None:
    batch = RecordBatch(memoryview(bytearray(build(records))))
    payload = batch.payload()

    found = list(scan(payload, len(records)))

    assert [each[4:] for each in found] == [(record.key, record.value is not None) for record in records]
    assert [batch.base_timestamp_ms + each[2] for each in found] == [record.timestamp_ms for record in records]
    assert [each[3] for each in found] == list(range(len(records)))
    assert b"".join(payload[each[0] : each[1]] for each in found) == payload


@given(st.binary(max_size=60), st.integers(1, 5))
def test_garbage_is_an_error_and_nothing_worse(data: bytes, count: int) -> None:
    try:
        found = list(scan(data, count))
    except InvalidRecord:
        return
    assert found[-1][1] == len(data)


@given(RECORDS, st.data())
def test_a_payload_cut_short_is_an_error(records: list[Record], data: st.DataObject) -> None:
    payload = RecordBatch(memoryview(bytearray(build(records)))).payload()
    cut = data.draw(st.integers(0, len(payload) - 1))

    with pytest.raises(InvalidRecord):
        list(scan(payload[:cut], len(records)))
