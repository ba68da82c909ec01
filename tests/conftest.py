"""Hypothesis for machines that are busy with other things too: no test fails for having been slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("pykbroker", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pykbroker")
