"""AlterUserScramCredentials (key 51): give users SCRAM credentials, or take them away (KIP-554). Served: v0.

They are kept; no listener asks for them yet.
"""

from __future__ import annotations

from pykbroker import scram_credentials
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from pykbroker.scram_credentials import Deletion, Upsertion
from wire.api.alter_user_scram_credentials import AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse

Result = AlterUserScramCredentialsResponse.AlterUserScramCredentialsResult


async def handle(request: AlterUserScramCredentialsRequest, ctx: RequestContext) -> AlterUserScramCredentialsResponse:
    deletions = [Deletion(each.name, each.mechanism) for each in request.deletions]
    upsertions = [
        Upsertion(each.name, each.mechanism, each.iterations, bytes(each.salt), bytes(each.salted_password))
        for each in request.upsertions
    ]
    results: dict[str, BrokerError | None] = {}

    def decide(image: MetadataImage) -> MetadataImage:
        nonlocal results
        after, results = scram_credentials.altered(image, deletions, upsertions)
        return after

    await ctx.broker.controller.change(decide)
    return AlterUserScramCredentialsResponse(results=[result(user, error) for user, error in results.items()])


def error_response(
    request: AlterUserScramCredentialsRequest, error: BrokerError, _ctx: RequestContext
) -> AlterUserScramCredentialsResponse:
    users = dict.fromkeys([each.name for each in request.deletions] + [each.name for each in request.upsertions])
    return AlterUserScramCredentialsResponse(results=[result(user, error) for user in users])


def result(user: str, error: BrokerError | None) -> Result:
    if error is None:
        return Result(user=user)
    return Result(user=user, error_code=error.code, error_message=error.own_message)
