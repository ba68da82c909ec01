"""Fails on import cycles; prints the longest functions, the largest modules and the number of suppressions.

What is printed are places to look, not verdicts. Imports under `if TYPE_CHECKING` count too.
"""

from __future__ import annotations

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

PACKAGES = ("wire", "storage", "pykbroker")
SHOWN = 10
SUPPRESSION = re.compile(r"#\s*(?:noqa|type: ignore)")


def find_cycle() -> list[str]:
    """The modules of one import cycle; empty if there is none."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def main() -> None:
    cycle = find_cycle()
    if cycle:
        sys.exit("import cycle: " + " -> ".join(cycle))
    modules, functions, suppressions = [], [], 0
    for path in (path for package in PACKAGES for path in sorted(Path(package).rglob("*.py"))):
        text = path.read_text()
        suppressions += len(SUPPRESSION.findall(text))
        modules.append((text.count("\n"), str(path)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                functions.append((lines, f"{path}:{node.lineno} {node.name}"))
    print(f"{len(modules)} modules, {sum(lines for lines, _ in modules)} lines, {suppressions} suppressions")
    for title, found in (("largest modules", modules), ("longest functions", functions)):
        print(f"{title}:")
        for lines, where in sorted(found, reverse=True)[:SHOWN]:
            print(f"  {lines:5} {where}")


if __name__ == "__main__":
    main()
