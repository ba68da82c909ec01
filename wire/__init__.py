"""Kafka's protocol as values and bytes. No IO, no clock, no event loop; nothing here knows what a broker does.

The nouns, from the outside in:

    frame      what travels: a size and that many bytes (`wire.frame`)
    header     what stands first in a frame: API key, version, correlation id, client id (`wire.headers`)
    API        a request and its response under one key: one file each in `wire.api`, found through `wire.registry`
    message    a request or response, as one class for all its versions; its fields carry wire types (`wire.schema`,
               `wire.types`). Codecs are compiled when first used (`wire.specs`, `wire.fields`, `wire.decoding`,
               `wire.encoding`)
    version    of one API; each API counts its own. From its *flexible* version on, lengths are compact and tagged
               fields may follow, those that we do not know too: they are kept
    batch      the unit of producing, storing and fetching: records under one header and checksum
               (`wire.record_batch`, `wire.records`, `wire.compression`). Messages carry batches by reference, uncopied
    control record, state record
               records that Kafka writes for itself: transaction markers (`wire.control_records`), and what coordinators
               keep in internal topics (`wire.state_records`)

A message, from bytes and back:

    request = request_class(ApiKey.HEARTBEAT).decode(body, version)
    response = HeartbeatResponse(error_code=ErrorCode.NONE)
    encoded = response.encode(version)

The peer is hostile: whatever it sends, decoding raises `ProtocolError` or nothing, and takes memory in proportion to
what was sent. A value that a version cannot express is our own mistake: `EncodeError` (`wire.errors`).
"""
