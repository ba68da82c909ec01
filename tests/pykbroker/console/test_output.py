"""What commands print, for eyes and for scripts."""

from __future__ import annotations

import json

from pykbroker.console.output import Row, rendered

ROWS: list[Row] = [
    {"topic": "a", "log_end_offset": 10, "isr": [1, 2], "leader": None},
    {"topic": "a-long-name", "log_end_offset": 5, "isr": [], "leader": 1},
]


def test_a_table_has_columns_as_wide_as_needed() -> None:
    expected = (
        "TOPIC        LOG-END-OFFSET  ISR  LEADER\n"
        "a            10              1,2  -\n"
        "a-long-name  5               -    1"
    )

    assert expected == rendered(ROWS, as_json=False)
    assert "" == rendered([], as_json=False)


def test_scripts_get_what_there_is() -> None:
    assert ROWS == json.loads(rendered(ROWS, as_json=True))
    assert [] == json.loads(rendered([], as_json=True))
