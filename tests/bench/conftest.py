"""Lets these tests import `bench`, which is not installed: it is no part of the wheel."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
