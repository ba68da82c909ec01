"""Features of the cluster and their levels (KIP-584, KIP-1022): what is supported, and what is in force.

A feature that is an API is supported where that API is served. In force is the highest level, until it is changed by
UpdateFeatures; level 0 is "off". Kafka 4.3's own; not its eligible leader replicas, and of its Raft only level 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pykbroker.errors import BrokerError
from pykbroker.handlers import APIS
from pykbroker.metadata.image import MetadataImage
from wire.errors import ErrorCode
from wire.registry import ApiKey

METADATA_VERSION = "metadata.version"
UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE = 1, 2, 3


class Feature(NamedTuple):
    first: int
    last: int
    api: ApiKey | None = None
    can_be_lowered: bool = True  # its handlers, or clients that are told of it, act on a lower level


_ALL = {
    "group.version": Feature(0, 1, ApiKey.CONSUMER_GROUP_HEARTBEAT, can_be_lowered=False),
    "kraft.version": Feature(0, 0),
    METADATA_VERSION: Feature(7, 30),
    "share.version": Feature(0, 1, ApiKey.SHARE_FETCH, can_be_lowered=False),
    "streams.version": Feature(0, 1, ApiKey.STREAMS_GROUP_HEARTBEAT),
    "transaction.version": Feature(0, 2, ApiKey.ADD_PARTITIONS_TO_TXN),
}


def supported() -> Mapping[str, Feature]:
    return {name: feature for name, feature in _ALL.items() if feature.api is None or feature.api in APIS}


def level(image: MetadataImage, name: str) -> int:
    """The level in force; 0 of what is off or not supported."""
    feature = supported().get(name)
    return 0 if feature is None else image.features.get(name, feature.last)


def finalized(image: MetadataImage) -> Mapping[str, int]:
    return {name: at for name in supported() if (at := level(image, name))}


def updated(image: MetadataImage, name: str, wanted: int, upgrade_type: int, node_id: int) -> MetadataImage:
    """The image with the feature at that level; raises BrokerError(INVALID_UPDATE_VERSION) in Kafka's words."""
    feature = supported().get(name)
    reason = None
    if upgrade_type not in (UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE):
        reason = "The controller does not support the given upgrade type."
    elif wanted < 0:
        reason = "A feature version cannot be less than 0."
    elif feature is None:
        is_off = f"Feature {name} not found."
        reason = f"Local controller {node_id} does not support this feature." if wanted else is_off
    elif not feature.first <= wanted <= feature.last:
        reason = f"Local controller {node_id} only supports versions {feature.first}-{feature.last}"
    elif wanted < level(image, name) and upgrade_type == UPGRADE:
        reason = (
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe "
            "downgrade."
        )
    elif wanted < level(image, name) and not feature.can_be_lowered:
        reason = "This broker serves it at its highest level only."  # where Kafka would turn it off
    if reason is not None:
        raise _refused(f"Invalid update version {wanted} for feature {name}. {reason}")
    if name == METADATA_VERSION and wanted < level(image, name):
        raise _refused(
            f"Unsupported metadata.version downgrade from {level(image, name)} to {wanted}. "
            "Refusing to perform the requested downgrade because it might delete metadata information."
        )
    return image if wanted == level(image, name) else image.with_features({name: wanted})


def _refused(reason: str) -> BrokerError:
    message = f"The update failed for all features since the following feature had an error: {reason}"
    return BrokerError(ErrorCode.INVALID_UPDATE_VERSION, message)
