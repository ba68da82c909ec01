"""What Metadata tells of topics, kept until something changes: clients ask for the same again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from pykbroker.metadata.image import MetadataImage
from wire.kept_array import KeptArray

if TYPE_CHECKING:  # for a start should not pay for it
    from wire.api.metadata import MetadataResponse

Topic: TypeAlias = "MetadataResponse.MetadataResponseTopic"
MOST_KEPT = 16  # different ones; one of 5,000 partitions is some 2 MB


class MetadataAnswers:
    """One per broker."""

    def __init__(self) -> None:
        self._image: MetadataImage | None = None
        self._kept: dict[Hashable, KeptArray[Topic]] = {}

    def get(self, image: MetadataImage, asked: Hashable, describe: Callable[[], Iterable[Topic]]) -> KeptArray[Topic]:
        """`asked` is all that `describe` goes by besides the image.

        Kept only if there are all topics that were asked for: else a peer could have us keep whatever it makes up.
        """
        if image is not self._image:
            self._image, self._kept = image, {}
        found = self._kept.get(asked)
        if found is None:
            found = KeptArray(describe())
            if not any(topic.error_code for topic in found):
                if len(self._kept) == MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[asked] = found
        return found
