"""`python -m pykbroker`."""

from __future__ import annotations

import sys

from pykbroker.cli import main

sys.exit(main())
