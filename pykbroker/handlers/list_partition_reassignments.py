"""ListPartitionReassignments (key 46): the reassignments under way (KIP-455). Served: v0.

With one broker there are none: AlterPartitionReassignments takes effect at once.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


def handle(_request: ListPartitionReassignmentsRequest, _ctx: RequestContext) -> ListPartitionReassignmentsResponse:
    return ListPartitionReassignmentsResponse(topics=[])


def error_response(
    _request: ListPartitionReassignmentsRequest, error: BrokerError, _ctx: RequestContext
) -> ListPartitionReassignmentsResponse:
    return ListPartitionReassignmentsResponse(error_code=error.code, error_message=error.own_message, topics=[])
