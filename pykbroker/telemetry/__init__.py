"""Metrics that clients push (KIP-714): what is asked of whom, and what came.

    subscriptions.py  what the settings of `client-metrics` resources ask of a client
    instances.py      who the clients are, and when they may ask and push: Kafka's ClientMetricsManager
    otlp.py           OpenTelemetry's format, read into points
    receiver.py       the latest value of every series, until its client falls silent

Only `otlp.py` needs OpenTelemetry's classes, and is imported with the first metrics that come.
"""
