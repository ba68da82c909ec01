"""Features: those of APIs that are served, at the level that was chosen, in Kafka's words where that cannot be."""

from __future__ import annotations

import pytest

from pykbroker import features
from pykbroker.errors import BrokerError
from pykbroker.features import Feature
from pykbroker.metadata.image import MetadataImage
from pykbroker.testing import InMemoryBroker
from wire.api.api_versions import ApiVersionsRequest
from wire.api.update_features import UpdateFeaturesRequest

EMPTY = MetadataImage(1, "cluster", 1)


@pytest.fixture(autouse=True)
def _group_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(features._ALL, "group.version", Feature(0, 1))


def refusal(name: str, level: int, upgrade_type: int) -> str:
    with pytest.raises(BrokerError) as caught:
        features.updated(EMPTY, name, level, upgrade_type, 1)
    return caught.value.message


@pytest.mark.parametrize(
    ("level", "upgrade_type", "reason"),
    [
        (0, 1, "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe"),
        (2, 1, "Local controller 1 only supports versions 0-1"),
        (-1, 1, "A feature version cannot be less than 0."),
        (1, 0, "The controller does not support the given upgrade type."),
    ],
)
def test_a_level_that_cannot_be_is_refused_in_kafkas_words(level: int, upgrade_type: int, reason: str) -> None:
    start = "The update failed for all features since the following feature had an error: "
    start += f"Invalid update version {level} for feature group.version. "

    assert refusal("group.version", level, upgrade_type).startswith(start + reason)


def test_what_would_not_be_acted_upon_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(features._ALL, "group.version", Feature(0, 1, can_be_lowered=False))

    assert "This broker serves it at its highest level only." in refusal("group.version", 0, features.SAFE_DOWNGRADE)
    assert EMPTY is features.updated(EMPTY, "group.version", 1, features.UPGRADE, 1)


def test_a_feature_is_at_its_highest_level_until_it_is_changed() -> None:
    off = features.updated(EMPTY, "group.version", 0, features.SAFE_DOWNGRADE, 1)

    assert 1 == features.level(EMPTY, "group.version")
    assert 0 == features.level(off, "group.version")
    assert "group.version" not in features.finalized(off)
    assert 1 == features.level(features.updated(off, "group.version", 1, features.UPGRADE, 1), "group.version")


async def test_a_change_is_told_to_clients_and_one_that_only_validates_is_not(broker: InMemoryBroker) -> None:
    async def told() -> dict[str, int]:
        request = ApiVersionsRequest(client_software_name="x", client_software_version="1")
        response = await broker.ask(request, 4)
        return {feature.name: feature.max_version_level for feature in response.finalized_features}

    key = UpdateFeaturesRequest.FeatureUpdateKey(feature="group.version", max_version_level=0, upgrade_type=2)
    await broker.ask(UpdateFeaturesRequest(feature_updates=[key], validate_only=True), 2)
    assert 1 == (await told())["group.version"]

    await broker.ask(UpdateFeaturesRequest(feature_updates=[key]), 2)
    assert "group.version" not in await told()


@pytest.mark.parametrize("version", [3, 4])
async def test_a_lowest_level_of_0_is_told_from_v4_on(broker: InMemoryBroker, version: int) -> None:
    request = ApiVersionsRequest(client_software_name="x", client_software_version="1")

    response = await broker.ask(request, version)

    told = {feature.name: feature.min_version for feature in response.supported_features}
    assert 7 == told["metadata.version"]
    assert (version >= 4) == ("group.version" in told)
