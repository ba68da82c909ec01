"""`pykbroker config`: every setting with its value, and where that comes from."""

from __future__ import annotations

import json

from pykbroker.config.effects import has_effect
from pykbroker.config.entries import canonical
from pykbroker.config.settings import Settings, Source, broker_definition, broker_definitions

HIDDEN = "(hidden)"


def listed(settings: Settings, *, only_set: bool, as_json: bool) -> str:
    names = settings.overrides if only_set else {**dict.fromkeys(broker_definitions()), **settings.overrides}
    rows = [(name, _value(settings, name), _origin(settings, name)) for name in sorted(names)]
    if as_json:
        return json.dumps([{"name": name, "value": value, "origin": origin} for name, value, origin in rows], indent=1)
    shown = [(f"{name}={'' if value is None else value}", origin) for name, value, origin in rows]
    width = min(60, max((len(setting) for setting, _ in shown), default=0))
    return "\n".join(f"{setting:{width}}  {origin}" for setting, origin in shown)


def _value(settings: Settings, name: str) -> str | None:
    definition = broker_definition(name)
    assert definition is not None, name
    text = settings.raw(name)
    if definition.is_sensitive and text is not None:
        return HIDDEN
    return text if name in ("advertised.listeners", "listeners") else canonical(definition, text)


def _origin(settings: Settings, name: str) -> str:
    origin = settings.origin(name)
    if settings.source(name) == Source.PROFILE:
        default = broker_definitions()[name].default
        origin = f"default (Kafka's: {'none' if default is None else default})"
    return origin if has_effect(name) else f"{origin}, without effect"
