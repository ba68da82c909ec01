"""RemoveRaftVoter (key 81): remove a controller from the quorum's voters (KIP-853)."""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Int16, Int32, String, Uuid


class RemoveRaftVoterRequest(Request, api_key=81, versions=(0, 0), flexible=0):
    cluster_id: String | None
    voter_id: Int32
    voter_directory_id: Uuid


class RemoveRaftVoterResponse(Response, api_key=81, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
