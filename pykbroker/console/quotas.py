"""Quotas of users, clients and addresses, and SCRAM credentials of users, for `pykbroker configs`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from itertools import chain

from pykbroker.client_quotas import DEFAULT as MATCH_DEFAULT
from pykbroker.client_quotas import EXACT, SPECIFIED
from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.entities import DEFAULT, OF_QUOTAS, Entity
from pykbroker.console.output import Row
from wire.api.alter_client_quotas import AlterClientQuotasRequest
from wire.api.alter_user_scram_credentials import AlterUserScramCredentialsRequest
from wire.api.describe_client_quotas import DescribeClientQuotasRequest
from wire.api.describe_user_scram_credentials import DescribeUserScramCredentialsRequest
from wire.errors import ErrorCode

MECHANISMS = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
DEFAULT_ITERATIONS = 4096  # as of kafka-configs
SALT_SIZE_BYTES = 24


def rows(client: Client, entities: Sequence[Entity]) -> list[Row]:
    rows = quota_rows(client, entities)
    if [entity.kind for entity in entities] == ["users"] and not entities[0].is_default:
        rows += credential_rows(client, entities[0].name)
    return rows


def quota_rows(client: Client, entities: Sequence[Entity]) -> list[Row]:
    component = DescribeClientQuotasRequest.ComponentData
    components = [
        component(
            entity_type=OF_QUOTAS[entity.kind],
            match_type=SPECIFIED if entity.is_all else MATCH_DEFAULT if entity.is_default else EXACT,
            match=entity.name,
        )
        for entity in entities
    ]
    answer = client.ask(DescribeClientQuotasRequest(components=components, strict=True))
    check(answer.error_code, answer.error_message, "cannot describe quotas")
    kinds = {of_quota: kind for kind, of_quota in OF_QUOTAS.items()}
    told: list[Row] = []
    for entry in answer.entries or ():
        parts = sorted(entry.entity, key=lambda part: kinds.get(part.entity_type, ""), reverse=True)
        whose = {
            "entity_type": ",".join(kinds.get(part.entity_type, part.entity_type) for part in parts),
            "entity_name": ",".join(DEFAULT if part.entity_name is None else part.entity_name for part in parts),
        }
        told += [
            {**whose, "name": each.key, "value": plain(each.value), "source": "quota"}
            for each in sorted(entry.values, key=lambda each: str(each.key))
        ]
    return told


def plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def credential_rows(client: Client, user: str | None) -> list[Row]:
    """Of one user, or of all."""
    users = None if user is None else [DescribeUserScramCredentialsRequest.UserName(name=user)]
    answer = client.ask(DescribeUserScramCredentialsRequest(users=users))
    check(answer.error_code, answer.error_message, "cannot describe credentials")
    names = {number: name for name, (number, _) in MECHANISMS.items()}
    told: list[Row] = []
    for result in answer.results:
        if result.error_code == ErrorCode.RESOURCE_NOT_FOUND:
            continue
        check(result.error_code, result.error_message, f"cannot describe credentials of {result.user}")
        told += [
            {
                "entity_type": "users",
                "entity_name": result.user,
                "name": names.get(each.mechanism, f"mechanism {each.mechanism}"),
                "value": f"iterations={each.iterations}",
                "source": "credential",
            }
            for each in result.credential_infos
        ]
    return told


def alter(client: Client, entities: Sequence[Entity], added: Mapping[str, str], deleted: Sequence[str]) -> None:
    of_user = [name for name in chain(added, deleted) if name in MECHANISMS]
    if of_user and (len(entities) > 1 or entities[0].kind != "users" or entities[0].name is None):
        raise CommandError(f"{of_user[0]} is of one user", 2)
    if of_user:
        alter_credentials(
            client,
            entities[0].name or "",
            {name: value for name, value in added.items() if name in MECHANISMS},
            [name for name in deleted if name in MECHANISMS],
        )
    if len(of_user) < len(added) + len(deleted):
        alter_quotas(
            client,
            entities,
            {name: value for name, value in added.items() if name not in MECHANISMS},
            [name for name in deleted if name not in MECHANISMS],
        )


def alter_quotas(client: Client, entities: Sequence[Entity], added: Mapping[str, str], deleted: Sequence[str]) -> None:
    entry = AlterClientQuotasRequest.EntryData
    ops = [entry.OpData(key=name, value=0.0, remove=True) for name in deleted]
    for name, value in added.items():
        try:
            ops.append(entry.OpData(key=name, value=float(value), remove=False))
        except ValueError:
            raise CommandError(f"{name}={value} is no number", 2) from None
    entity = [entry.EntityData(entity_type=OF_QUOTAS[each.kind], entity_name=each.name) for each in entities]
    request = AlterClientQuotasRequest(entries=[entry(entity=entity, ops=ops)], validate_only=False)
    [result] = client.ask(request).entries
    check(result.error_code, result.error_message, "cannot alter quotas")


def alter_credentials(client: Client, user: str, added: Mapping[str, str], deleted: Sequence[str]) -> None:
    request = AlterUserScramCredentialsRequest(
        deletions=[
            AlterUserScramCredentialsRequest.ScramCredentialDeletion(name=user, mechanism=MECHANISMS[name][0])
            for name in deleted
        ],
        upsertions=[upsertion(user, name, value) for name, value in added.items()],
    )
    for result in client.ask(request).results:
        check(result.error_code, result.error_message, f"cannot alter credentials of {user}")


def upsertion(user: str, mechanism: str, text: str) -> AlterUserScramCredentialsRequest.ScramCredentialUpsertion:
    """Of `iterations=8192,password=secret`. The password itself does not leave this process."""
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    number, algorithm = MECHANISMS[mechanism]
    iterations = parts.get("iterations", str(DEFAULT_ITERATIONS))
    if not parts.get("password") or not iterations.isdecimal() or set(parts) - {"iterations", "password"}:
        raise CommandError(f"{mechanism} is given as [iterations=8192,password=...]", 2)
    salt = secrets.token_bytes(SALT_SIZE_BYTES)
    salted = hashlib.pbkdf2_hmac(algorithm, parts["password"].encode(), salt, max(1, int(iterations)))
    return AlterUserScramCredentialsRequest.ScramCredentialUpsertion(
        name=user, mechanism=number, iterations=int(iterations), salt=salt, salted_password=salted
    )
