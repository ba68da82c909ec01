"""SCRAM credentials of users (RFC 5802, KIP-554): made of what a client sends, and never told.

Kept are the salt, the iterations, and the two keys that the exchange needs: not the salted password, with which anybody
could pass for the user.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, ScramCredential
from wire.errors import ErrorCode

MECHANISMS = {1: "sha256", 2: "sha512"}
ITERATIONS = (4096, 16384)


class Deletion(NamedTuple):
    user: str
    mechanism: int


class Upsertion(NamedTuple):
    user: str
    mechanism: int
    iterations: int
    salt: bytes
    salted_password: bytes


def altered(
    image: MetadataImage, deletions: Sequence[Deletion], upsertions: Sequence[Upsertion]
) -> tuple[MetadataImage, dict[str, BrokerError | None]]:
    """The image after what can be done, and how it went for each user."""
    results: dict[str, BrokerError | None] = {}
    changes: dict[str, Mapping[int, ScramCredential]] = {}
    wanted: list[Deletion | Upsertion] = [*deletions, *upsertions]
    for change in wanted:
        user = change.user
        if results.get(user) is not None:
            continue
        try:
            if user in results:
                message = "A user credential cannot be altered twice in the same request"
                raise BrokerError(ErrorCode.DUPLICATE_RESOURCE, message)
            changes[user] = _changed(image.scram_credentials.get(user, {}), change)
            results[user] = None
        except BrokerError as error:
            results[user] = error
            changes.pop(user, None)
    return (image.with_scram_credentials(changes) if changes else image), results


def _changed(known: Mapping[int, ScramCredential], change: Deletion | Upsertion) -> Mapping[int, ScramCredential]:
    if not change.user:
        raise BrokerError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if change.mechanism not in MECHANISMS:
        raise BrokerError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
    if isinstance(change, Upsertion):
        return {**known, change.mechanism: credential(change)}
    if change.mechanism not in known:
        message = "Attempt to delete a user credential that does not exist"
        raise BrokerError(ErrorCode.RESOURCE_NOT_FOUND, message)
    return {mechanism: kept for mechanism, kept in known.items() if mechanism != change.mechanism}


def credential(wanted: Upsertion) -> ScramCredential:
    fewest, most = ITERATIONS
    if wanted.iterations < fewest:
        raise BrokerError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
    if wanted.iterations > most:
        raise BrokerError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
    if not wanted.salted_password:
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka, which cannot make a key of nothing
    algorithm = MECHANISMS[wanted.mechanism]
    client_key = hmac.digest(wanted.salted_password, b"Client Key", algorithm)
    return ScramCredential(
        salt=wanted.salt,
        iterations=wanted.iterations,
        stored_key=hashlib.new(algorithm, client_key).digest(),
        server_key=hmac.digest(wanted.salted_password, b"Server Key", algorithm),
    )
