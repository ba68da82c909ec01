"""AddRaftVoter (key 80): add a controller to the quorum's voters (KIP-853).

v1  whether to answer once committed, or sooner (KIP-1186)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int16, Int32, String, UInt16, Uuid


class AddRaftVoterRequest(Request, api_key=80, versions=(0, 1), flexible=0):
    cluster_id: String | None
    timeout_ms: Int32
    voter_id: Int32
    voter_directory_id: Uuid
    listeners: Array[Listener]
    ack_when_committed: Boolean = since(1, default=True)

    class Listener(Struct):
        name: String
        host: String
        port: UInt16


class AddRaftVoterResponse(Response, api_key=80, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
