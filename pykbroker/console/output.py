"""What commands print: tables for eyes, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

Row = Mapping[str, object]


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print them; nothing where there are none to see."""
    if rows or as_json:
        print(rendered(rows, as_json=as_json))


def rendered(rows: Sequence[Row], *, as_json: bool) -> str:
    """Rows of the same columns."""
    if as_json:
        return json.dumps(list(rows), indent=1)
    if not rows:
        return ""
    columns = list(rows[0])
    cells = [[column.upper().replace("_", "-") for column in columns]]
    cells += [[shown(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def note(text: str) -> None:
    """What a person should know, and a script need not read."""
    print(f"pykbroker: {text}", file=sys.stderr)


def shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={each}" for key, each in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "-"
    return str(value)
