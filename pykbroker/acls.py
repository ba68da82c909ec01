"""ACLs: who may do what with which resources (KIP-11, KIP-290): made, found and deleted, as Kafka's controller does.

Kept and described where `authorizer.class.name` is Kafka's own authorizer, whose rules they are; nothing is refused on
their account yet. Types, operations and permissions are Kafka's numbers, as they are on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pykbroker.config.settings import STANDARD_AUTHORIZER, Settings
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import AccessRule, MetadataImage, ResourcePattern
from wire.api.create_acls import CreateAclsRequest
from wire.api.delete_acls import DeleteAclsRequest
from wire.api.describe_acls import DescribeAclsRequest
from wire.errors import ErrorCode, ProtocolError

UNKNOWN, ANY = 0, 1
MATCH, LITERAL, PREFIXED = 2, 3, 4
CLUSTER = 4
CLUSTER_NAME = "kafka-cluster"
WILDCARD = "*"
RESOURCE_TYPES = range(2, 8)  # topic, group, cluster, transactional id, delegation token, user
OPERATIONS = range(2, 16)
PERMISSIONS = range(2, 4)  # deny, allow


class Acl(NamedTuple):
    pattern: ResourcePattern
    rule: AccessRule


class AclFilter(NamedTuple):
    """None, and ANY, stand for all."""

    resource_type: int
    resource_name: str | None
    pattern_type: int
    principal: str | None
    host: str | None
    operation: int
    permission: int

    def matches(self, acl: Acl) -> bool:
        rule = acl.rule
        return (
            self._matches_pattern(acl.pattern)
            and self.principal in (None, rule.principal)
            and self.host in (None, rule.host)
            and self.operation in (ANY, rule.operation)
            and self.permission in (ANY, rule.permission)
        )

    def _matches_pattern(self, pattern: ResourcePattern) -> bool:
        if self.resource_type not in (ANY, pattern.type):
            return False
        if self.pattern_type not in (ANY, MATCH, pattern.pattern_type):
            return False
        if self.resource_name in (None, pattern.name):
            return True
        if self.pattern_type != MATCH:
            return False
        # What holds for the resource of that name, whatever its pattern.
        if pattern.pattern_type == PREFIXED:
            return self.resource_name.startswith(pattern.name)
        return pattern.name == WILDCARD


def are_kept(settings: Settings) -> bool:
    return settings.str("authorizer.class.name").strip() == STANDARD_AUTHORIZER


def acl_of(asked: CreateAclsRequest.AclCreation) -> Acl:
    """Raises ProtocolError."""
    pattern = ResourcePattern(asked.resource_type, asked.resource_name, asked.resource_pattern_type)
    rule = AccessRule(asked.principal, asked.host, asked.operation, asked.permission_type)
    _refuse_unknown(pattern.type, pattern.pattern_type, rule.operation, rule.permission)
    return Acl(pattern, rule)


def filter_of(asked: DescribeAclsRequest | DeleteAclsRequest.DeleteAclsFilter) -> AclFilter:
    """Raises ProtocolError."""
    wanted = AclFilter(
        asked.resource_type_filter,
        asked.resource_name_filter,
        asked.pattern_type_filter,
        asked.principal_filter,
        asked.host_filter,
        asked.operation,
        asked.permission_type,
    )
    _refuse_unknown(wanted.resource_type, wanted.pattern_type, wanted.operation, wanted.permission)
    return wanted


def _refuse_unknown(*numbers: int) -> None:
    """Kafka cannot read a request with a number that means "unknown", and hangs up."""
    if UNKNOWN in numbers:
        raise ProtocolError("an ACL with an unknown element")


def check_all(acls: Sequence[Acl]) -> None:
    """Raises BrokerError for what is a filter and no ACL: then none of the request is made."""
    for pattern, rule in acls:
        numbers = pattern.type, pattern.pattern_type, rule.operation, rule.permission
        if ANY in numbers or pattern.pattern_type == MATCH:
            raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka


def check(acl: Acl) -> None:
    """Raises BrokerError."""
    pattern, rule = acl
    if pattern.type == CLUSTER and pattern.name != CLUSTER_NAME:
        raise _invalid(f"The only valid name for the CLUSTER resource is {CLUSTER_NAME}")
    if not pattern.name:
        raise _invalid("Invalid empty resource name")
    for value, known, what in (
        (pattern.type, RESOURCE_TYPES, "resourceType"),
        (pattern.pattern_type, (LITERAL, PREFIXED), "patternType"),
        (rule.operation, OPERATIONS, "operation"),
        (rule.permission, PERMISSIONS, "permissionType"),
    ):
        if value not in known:
            raise _invalid(f"Invalid {what} UNKNOWN")
    if ":" not in rule.principal:
        raise _invalid(
            f"Could not parse principal from `{rule.principal}` (no colon is present separating the principal type "
            "from the principal name)"
        )


def check_filter(wanted: AclFilter) -> None:
    """Raises BrokerError."""
    if wanted.resource_type not in (ANY, *RESOURCE_TYPES) or wanted.pattern_type not in (ANY, MATCH, LITERAL, PREFIXED):
        raise _invalid("Unknown patternFilter.")
    if wanted.operation not in (ANY, *OPERATIONS) or wanted.permission not in (ANY, *PERMISSIONS):
        raise _invalid("Unknown entryFilter.")


def matching(image: MetadataImage, wanted: AclFilter) -> list[Acl]:
    every = (Acl(pattern, rule) for pattern, rules in image.acls.items() for rule in rules)
    return [acl for acl in every if wanted.matches(acl)]


def with_acls(image: MetadataImage, acls: Iterable[Acl]) -> MetadataImage:
    changed: dict[ResourcePattern, tuple[AccessRule, ...]] = {}
    for pattern, rule in acls:
        rules = changed.get(pattern, image.acls.get(pattern, ()))
        changed[pattern] = rules if rule in rules else (*rules, rule)
    return image.with_acls(changed)


def without_acls(image: MetadataImage, acls: Iterable[Acl]) -> MetadataImage:
    gone = set(acls)
    changed = {
        pattern: tuple(rule for rule in image.acls[pattern] if Acl(pattern, rule) not in gone)
        for pattern in {acl.pattern for acl in gone}
    }
    return image.with_acls(changed)


def _invalid(message: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_REQUEST, message)
