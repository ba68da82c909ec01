"""What storage raises. It knows no protocol error codes: the server maps these classes to them.

A refused batch (the first half) leaves the log as it was. `StorageFailure` says that the disk, not the peer, is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass


class StorageError(Exception):
    """Anything that storage raises on purpose."""


class CorruptRecord(StorageError):
    """The bytes are not an intact batch: wrong checksum, impossible header."""


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why one record of a batch was refused (KIP-467)."""

    batch_index: int
    message: str

    def __str__(self) -> str:
        return f"RecordError(batchIndex={self.batch_index}, message='{self.message}')"


class InvalidRecord(StorageError):
    """The batch is intact but breaks a rule; nothing of it was written."""

    def __init__(self, message: str, record_errors: tuple[RecordError, ...] = ()) -> None:
        super().__init__(message)
        self.record_errors = record_errors


class InvalidTimestamp(InvalidRecord):
    """A timestamp outside message.timestamp.before.max.ms or message.timestamp.after.max.ms."""


class MessageTooLarge(StorageError):
    """The batch is larger than max.message.bytes."""


class SegmentTooLarge(StorageError):
    """The batch is larger than segment.bytes: no segment could ever hold it."""


class OutOfOrderSequence(StorageError):
    """A sequence number is missing between this batch and the producer's last one."""


class InvalidProducerEpoch(StorageError):
    """A newer instance of this producer has written already."""


class InvalidTransactionState(StorageError):
    """A batch outside a transaction from a producer that has one open here."""


class CoordinatorFenced(StorageError):
    """A transaction marker from a coordinator that a newer one has replaced."""


class OffsetOutOfRange(StorageError):
    """The offset is before the log's start or after its end."""


class InvalidConfig(StorageError, ValueError):
    """A setting's value is not of its type or not in its range."""


class StorageFailure(StorageError):
    """The disk failed: what lies in this log directory can no longer be promised."""


class DiskFull(StorageFailure):
    """No space: nothing was written, and the log goes on as soon as there is space."""


class DirectoryInUse(StorageError):
    """Another broker holds this log directory's lock."""


class InconsistentDirectory(StorageError):
    """The directory belongs to another cluster, node or topic, or to a format not known here."""
