"""Prints the APIs that are served, from the handler table, as Markdown; with --write, into README.md."""

from __future__ import annotations

import sys
from pathlib import Path

from pykbroker.handlers import APIS

BEGIN, END = "<!-- apis: printed by scripts/api_table.py -->\n", "<!-- /apis -->"


def table() -> str:
    rows = ["| key | API | versions |", "|---|---|---|"]
    rows += [f"| {key.value} | {key.title} | {api.first}-{api.last} |" for key, api in sorted(APIS.items())]
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    path = Path(__file__).parent.parent / "README.md"
    if "--write" in sys.argv:
        path.write_text(with_table(path.read_text()))
    else:
        print(table(), end="")
