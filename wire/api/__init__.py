"""Kafka's messages: one file per API, its request and its response. `wire.registry` finds them by key."""
