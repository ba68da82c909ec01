"""What the README says of the code is what the code says of itself."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_apis_is_that_of_the_handlers() -> None:
    readme = (ROOT / "README.md").read_text()

    written = runpy.run_path(str(ROOT / "scripts" / "api_table.py"))["with_table"](readme)

    assert written == readme
