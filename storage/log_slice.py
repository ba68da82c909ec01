"""What a read of the log gives: a stretch of a file, to be sent to a socket without looking at it."""

from __future__ import annotations

from storage.files import Open


class LogSlice:
    """Keep it until its bytes are sent: as long as it is there, its descriptor stays open."""

    __slots__ = ("_file", "length", "next_offset", "position")

    def __init__(self, file: Open | None, position: int, length: int, next_offset: int) -> None:
        self._file = file
        self.position = position
        self.length = length
        self.next_offset = next_offset  # after all that is in the slice; perhaps somewhat more

    @property
    def file_descriptor(self) -> int:
        """For sendfile; -1 where there is no file on disk."""
        return self._file.descriptor if self._file else -1

    def read(self) -> bytes:
        return self._file.read(self.position, self.length) if self._file else b""

    def __bool__(self) -> bool:
        return self.length > 0

    def __len__(self) -> int:
        return self.length
