"""Client quotas at work: who shares which limit, what a request costs, and how long its client is then to be quiet.

As in Kafka: a request is served first and counted at its answer, which says for how long nothing more is read from its
connection (KIP-219). But a Fetch above its limit is answered empty, and costs nothing; and changes of topics above
theirs are refused (KIP-599). Every kind of quota finds its own entity, so a user's limit for Produce may be the one of
a client id for Fetch (KIP-55).

While no client has a quota `are_enforced` is False, and a request costs nothing but that look. Where some have, what
those without one ask is not measured either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeAlias

from pykbroker.client_quotas import (
    CLIENT_ID,
    CONSUMER_BYTE_RATE,
    CONTROLLER_MUTATION_RATE,
    IP,
    PRODUCER_BYTE_RATE,
    REQUEST_PERCENTAGE,
    USER,
)
from pykbroker.config.settings import Settings
from pykbroker.controller import Charge, Controller, free_of_charge
from pykbroker.errors import BrokerError
from pykbroker.loop_clock import loop_ms
from pykbroker.metadata.image import MetadataChange, MetadataImage, QuotaEntity
from pykbroker.rates import Meters, MeterT, Rate, TokenBucket, Windows
from pykbroker.usage import Usage
from wire.errors import ErrorCode
from wire.frame import SIZE_BYTES
from wire.registry import ApiKey
from wire.schema import Response

_NS_PER_PERCENT = 10_000_000  # of a second of one thread
_NEVER_TIMED = frozenset((ApiKey.WRITE_TXN_MARKERS,))  # between brokers
_MOST_BYTES = 2**31 - 1
_MOST_KNOWN = 10_000

Sharers: TypeAlias = tuple[str | None, str | None]  # the user and the client id whose requests are counted together


class Quotas:
    """Of one broker."""

    def __init__(
        self, settings: Settings, controller: Controller, *, clock_ns: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        windows = _windows(settings.int("quota.window.num"), settings.int("quota.window.size.seconds"))
        self._windows = windows
        self._clock_ns = clock_ns
        self._produce = _Metered(PRODUCER_BYTE_RATE, windows, Rate)
        self._fetch = _Metered(CONSUMER_BYTE_RATE, windows, Rate)
        self._time = _Metered(REQUEST_PERCENTAGE, windows, Rate)
        windows = _windows(
            settings.int("controller.quota.window.num"), settings.int("controller.quota.window.size.seconds")
        )
        self._mutations = _Metered(CONTROLLER_MUTATION_RATE, windows, TokenBucket)
        self._all = self._produce, self._fetch, self._time, self._mutations
        self._is_held: dict[tuple[str, str], bool] = {}  # by user and client id, for as long as no limit changes
        self.are_enforced = False
        self._follow(controller.image)
        controller.subscribe(self._follow_metadata)

    def begin(self, user: str, client_id: str, request_bytes: int) -> Usage | None:
        """A request has come. None: from somebody without any quota, so that what it costs need not be known."""
        who = user, client_id
        is_held = self._is_held.get(who)
        if is_held is None:
            if len(self._is_held) >= _MOST_KNOWN:
                self._is_held.clear()
            is_held = self._is_held[who] = any(metered.holds(*who) for metered in self._all)
        return Usage(user, client_id, request_bytes, self._clock_ns) if is_held else None

    def charge(self, usage: Usage, api: ApiKey, *, is_answered: bool) -> int:
        """The request is about to be answered: how long its client is to be quiet, in ms. Who gets no answer (acks=0)
        is told nothing, and pays for bytes alone.
        """
        now_ms = loop_ms()
        if api is ApiKey.PRODUCE:
            rate = self._produce.of(usage, now_ms)
            if rate is not None:
                rate.record(usage.request_bytes, now_ms)
                usage.mute_until(now_ms + rate.throttle_ms(now_ms))
        usage.is_time_free = not is_answered or api in _NEVER_TIMED
        if not usage.is_time_free and not usage.is_time_charged:
            self._charge_time(usage, now_ms)
        return max(0, usage.muted_until_ms - now_ms)

    def charge_fetch(self, usage: Usage, response_bytes: int) -> bool:
        """False: it is to be answered without any records."""
        now_ms = loop_ms()
        self._charge_time(usage, now_ms)
        rate = self._fetch.of(usage, now_ms)
        if rate is not None:
            rate.record(response_bytes, now_ms)
            usage.mute_until(now_ms + rate.throttle_ms(now_ms))
            if usage.muted_until_ms > now_ms:
                rate.record(-response_bytes, now_ms)
        return usage.muted_until_ms <= now_ms

    def correct_fetch(self, usage: Usage, more_bytes: int) -> None:
        """What was charged was a guess."""
        now_ms = loop_ms()
        rate = self._fetch.of(usage, now_ms)
        if rate is not None:
            rate.record(more_bytes, now_ms)

    def most_fetch_bytes(self, usage: Usage) -> int:
        """Whoever fetched more at once would always be above the limit."""
        rate = self._fetch.of(usage, loop_ms())
        if rate is None:
            return _MOST_BYTES
        return min(_MOST_BYTES, int(rate.limit * (self._windows.count - 1) * self._windows.size_ms / 1000))

    def charge_rest(self, usage: Usage) -> None:
        """The answer has left: what its encoding and sending took counts at the next request."""
        now_ms = loop_ms()
        rate = self._time.of(usage, now_ms)
        if rate is not None and not usage.is_time_free:
            rate.record(usage.take_time_ns() / _NS_PER_PERCENT, now_ms)

    def mutations(self, usage: Usage | None, *, is_strict: bool, is_told: bool = True) -> Charge:
        """For changes of topics. Where it is strict the result raises BrokerError while the bucket is overdrawn, else
        the client is to be quiet afterwards. Who is not told need not be.
        """
        if usage is None:
            return free_of_charge

        def charge(partition_count: int) -> None:
            now_ms = loop_ms()
            bucket = self._mutations.of(usage, now_ms)
            if bucket is None:
                return
            throttle_ms = bucket.throttle_ms(now_ms)
            if is_strict and throttle_ms:
                if is_told:
                    usage.mute_until(now_ms + throttle_ms)
                raise BrokerError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
            bucket.spend(partition_count, now_ms)
            if not is_strict:
                usage.mute_until(now_ms + bucket.throttle_ms(now_ms))

        return charge

    def _charge_time(self, usage: Usage, now_ms: int) -> None:
        usage.is_time_charged = True
        rate = self._time.of(usage, now_ms)
        if rate is not None:
            rate.record(usage.take_time_ns() / _NS_PER_PERCENT, now_ms)
            usage.mute_until(now_ms + min(rate.throttle_ms(now_ms), self._windows.size_ms))

    async def _follow_metadata(self, change: MetadataChange) -> None:
        if change.before.client_quotas is not change.after.client_quotas:
            self._follow(change.after)

    def _follow(self, image: MetadataImage) -> None:
        for metered in self._all:
            metered.follow(image)
        self._is_held.clear()
        self.are_enforced = any(part[0] != IP for entity in image.client_quotas for part in entity)


class _Metered(Generic[MeterT]):
    """One kind of quota: its limits, and what those held to one have used of it."""

    def __init__(self, quota: str, windows: Windows, make: Callable[[Windows, float, int], MeterT]) -> None:
        self._quota = quota
        self._limits: Mapping[QuotaEntity, float] = {}
        self._meters: Meters[Sharers, MeterT] = Meters(windows, make)
        self._known: dict[Sharers, MeterT | None] = {}  # by who asks, for as long as no limit changes

    def follow(self, image: MetadataImage) -> None:
        self._limits = {
            entity: quotas[self._quota] for entity, quotas in image.client_quotas.items() if self._quota in quotas
        }
        self._known.clear()

    def holds(self, user: str, client_id: str) -> bool:
        return limit_of(self._limits, user, client_id) is not None

    def of(self, usage: Usage, now_ms: int) -> MeterT | None:
        """None: there is no limit."""
        if not self._limits:
            return None
        who = usage.user, usage.client_id
        if who not in self._known:
            if self._meters.forget_idle(now_ms):
                self._known.clear()
            found = limit_of(self._limits, *who)
            self._known[who] = None if found is None else self._meters.get(found[1], limit=found[0], now_ms=now_ms)
        return self._known[who]


def sent_bytes(response: Response, version: int) -> int:
    """What counts of the answer to a fetch: all but its header."""
    encoded = response.encode(version)
    return SIZE_BYTES + len(encoded.head) + sum(len(records) for _, records in encoded.refs)


def limit_of(limits: Mapping[QuotaEntity, float], user: str, client_id: str) -> tuple[float, Sharers] | None:
    """The limit that holds for a client, and who shares it with it."""
    for entity, sharers in _candidates(user, client_id):
        if entity in limits:
            return limits[entity], sharers
    return None


def _candidates(user: str, client_id: str) -> Iterator[tuple[QuotaEntity, Sharers]]:
    """In Kafka's order. A default is for each of those without a quota of their own, not for all of them together; and
    not for clients that name themselves with nothing.
    """
    for each_user in (user, None):
        if client_id:
            yield ((CLIENT_ID, client_id), (USER, each_user)), (user, client_id)
            yield ((CLIENT_ID, None), (USER, each_user)), (user, client_id)
        yield ((USER, each_user),), (user, None)
    if client_id:
        yield ((CLIENT_ID, client_id),), (None, client_id)
        yield ((CLIENT_ID, None),), (None, client_id)


def _windows(count: int, size_seconds: int) -> Windows:
    return Windows(count, 1000 * size_seconds)
