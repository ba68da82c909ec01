"""AddRaftVoter (key 80): one more controller that votes (KIP-853). Served: v0-v1.

There is no Raft quorum here, as in a Kafka whose kraft.version is 0, and answered as there.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from wire.errors import ErrorCode


def handle(request: AddRaftVoterRequest, ctx: RequestContext) -> AddRaftVoterResponse:
    refuse_other_cluster(request.cluster_id, ctx)
    message = "Cluster doesn't support adding voter because the kraft.version feature is 0"
    raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, message)


def refuse_other_cluster(cluster_id: str | None, ctx: RequestContext) -> None:
    known = ctx.broker.image.cluster_id
    if cluster_id not in (None, known):
        message = f'The given id "{cluster_id}" doesn\'t match the cluster id "{known}"'
        raise BrokerError(ErrorCode.INCONSISTENT_CLUSTER_ID, message)
