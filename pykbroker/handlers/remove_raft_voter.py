"""RemoveRaftVoter (key 81): one controller less that votes (KIP-853). Served: v0.

There is no Raft quorum here, as in a Kafka whose kraft.version is 0, and answered as there.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.handlers.add_raft_voter import is_voter, refuse_other_cluster
from wire.api.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from wire.errors import ErrorCode


def handle(request: RemoveRaftVoterRequest, ctx: RequestContext) -> RemoveRaftVoterResponse:
    refuse_other_cluster(request.cluster_id, ctx)
    if not is_voter(request.voter_id, request.voter_directory_id):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Remove voter request didn't include a valid voter")
    message = "Cluster doesn't support removing voter because the kraft.version feature is 0"
    raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, message)
