"""AddRaftVoter (key 80): one more controller that votes (KIP-853). Served: v0-v1.

There is no Raft quorum here, as in a Kafka whose kraft.version is 0, and answered as there.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

CONTROLLER_LISTENER = "CONTROLLER"


def handle(request: AddRaftVoterRequest, ctx: RequestContext) -> AddRaftVoterResponse:
    refuse_other_cluster(request.cluster_id, ctx)
    if not is_voter(request.voter_id, request.voter_directory_id):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Add voter request didn't include a valid voter")
    if CONTROLLER_LISTENER not in {listener.name for listener in request.listeners}:
        message = (
            "Add voter request didn't include the endpoint (Endpoints(endpoints={})) for the default listener "
            f"ListenerName({CONTROLLER_LISTENER})"
        )
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    message = "Cluster doesn't support adding voter because the kraft.version feature is 0"
    raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, message)


def is_voter(voter_id: int, directory_id: bytes) -> bool:
    return voter_id >= 0 and directory_id != ZERO_UUID


def refuse_other_cluster(cluster_id: str | None, ctx: RequestContext) -> None:
    known = ctx.broker.image.cluster_id
    if cluster_id not in (None, known):
        message = f'The given id "{cluster_id}" doesn\'t match the cluster id "{known}"'
        raise BrokerError(ErrorCode.INCONSISTENT_CLUSTER_ID, message)
