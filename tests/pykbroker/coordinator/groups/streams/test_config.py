"""What a streams group goes by: its own settings, else the broker's, within the broker's bounds."""

from __future__ import annotations

import pytest

from pykbroker.config.settings import Settings
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.config import StreamsGroupConfig
from pykbroker.metadata.image import MetadataImage

NO_TOPICS = MetadataImage(version=1, cluster_id="c", controller_id=1)


def config(settings: dict[str, str], own: dict[str, str]) -> StreamsGroupConfig:
    image = NO_TOPICS.with_group_configs({"g": own})
    return GroupShard(GroupConfig.of(Settings.of(settings)), lambda: image).streams_config("g")


@pytest.mark.parametrize(
    ("least", "default", "most", "own", "field"),
    [
        (
            "group.streams.min.session.timeout.ms",
            "group.streams.session.timeout.ms",
            "group.streams.max.session.timeout.ms",
            "streams.session.timeout.ms",
            "session_timeout_ms",
        ),
        (
            "group.streams.min.heartbeat.interval.ms",
            "group.streams.heartbeat.interval.ms",
            "group.streams.max.heartbeat.interval.ms",
            "streams.heartbeat.interval.ms",
            "heartbeat_interval_ms",
        ),
        (
            "group.streams.min.assignment.interval.ms",
            "group.streams.assignment.interval.ms",
            "group.streams.max.assignment.interval.ms",
            "streams.assignment.interval.ms",
            "assignment_interval_ms",
        ),
    ],
)
def test_a_groups_own_times_keep_within_the_brokers_bounds(
    least: str, default: str, most: str, own: str, field: str
) -> None:
    settings = {least: "5", default: "6", most: "8"}

    assert 6 == getattr(config(settings, {}), field)
    assert [5, 7, 8] == [getattr(config(settings, {own: text}), field) for text in ("4", "7", "9")]


def test_standbys_are_no_more_than_the_broker_allows() -> None:
    settings = {"group.streams.num.standby.replicas": "1", "group.streams.max.standby.replicas": "3"}

    assert 1 == config(settings, {}).standby_count
    assert [0, 3] == [config(settings, {"streams.num.standby.replicas": text}).standby_count for text in ("0", "4")]


def test_the_initial_rebalance_delay_is_the_groups_own_or_the_brokers() -> None:
    settings = {"group.streams.initial.rebalance.delay.ms": "7"}

    assert 7 == config(settings, {}).initial_rebalance_delay_ms
    assert 9 == config(settings, {"streams.initial.rebalance.delay.ms": "9"}).initial_rebalance_delay_ms


def test_the_size_of_groups_is_a_setting() -> None:
    assert 7 == GroupConfig.of(Settings.of({"group.streams.max.size": "7"})).streams.max_size


def test_the_protocol_may_be_off() -> None:
    off = Settings.of({"group.coordinator.rebalance.protocols": "classic,consumer"})

    assert (True, False) == (GroupConfig.of(Settings.of({})).streams.is_served, GroupConfig.of(off).streams.is_served)


def test_assignment_intervals_change_for_all_groups_while_the_broker_runs() -> None:
    image = NO_TOPICS.with_broker_configs({"": {"group.streams.assignment.interval.ms": "7"}})

    assert 7 == GroupShard(GroupConfig.of(Settings.of({})), lambda: image).streams_config("g").assignment_interval_ms
