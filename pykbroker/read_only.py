"""Serving a data directory without writing to it: `pykbroker serve --read-only DIR`.

Logs and metadata are read where they lie, and what would change them stays in memory (`storage/overlay_files.py`); so
consumers, groups with their members and commits, recovery after a kill, and taking over a directory of Kafka's work as
ever, and all of it is forgotten at the end. Requests that would change what the directory holds are refused. Nothing is
flushed, expired, compacted, moved or deleted for its age.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError, StartupError
from storage.checkpoints import MetaProperties
from storage.errors import StorageError
from storage.overlay_files import OverlayFiles
from wire.errors import ErrorCode
from wire.registry import ApiKey

Handle = Callable[[Any, RequestContext], Any]

# What it would add to or take from the data, its topics, or the cluster's settings. Not here: what a consumer does to
# read, be it alone or in a group.
REFUSED = frozenset(
    {
        ApiKey.ADD_OFFSETS_TO_TXN,
        ApiKey.ADD_PARTITIONS_TO_TXN,
        ApiKey.ALTER_CLIENT_QUOTAS,
        ApiKey.ALTER_CONFIGS,
        ApiKey.ALTER_PARTITION_REASSIGNMENTS,
        ApiKey.ALTER_REPLICA_LOG_DIRS,
        ApiKey.ALTER_SHARE_GROUP_OFFSETS,
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS,
        ApiKey.CREATE_ACLS,
        ApiKey.CREATE_DELEGATION_TOKEN,
        ApiKey.CREATE_PARTITIONS,
        ApiKey.CREATE_TOPICS,
        ApiKey.DELETE_ACLS,
        ApiKey.DELETE_GROUPS,
        ApiKey.DELETE_RECORDS,
        ApiKey.DELETE_SHARE_GROUP_OFFSETS,
        ApiKey.DELETE_SHARE_GROUP_STATE,
        ApiKey.DELETE_TOPICS,
        ApiKey.ELECT_LEADERS,
        ApiKey.END_TXN,
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        ApiKey.INITIALIZE_SHARE_GROUP_STATE,
        ApiKey.OFFSET_DELETE,
        ApiKey.PRODUCE,
        ApiKey.TXN_OFFSET_COMMIT,
        ApiKey.UPDATE_FEATURES,
        ApiKey.WRITE_SHARE_GROUP_STATE,
        ApiKey.WRITE_TXN_MARKERS,
    }
)

WHY = "This broker serves its data read-only."


def refusing(key: ApiKey, handle: Handle) -> Handle:
    """What is put in the place of an API's handler."""
    if key is ApiKey.INIT_PRODUCER_ID:
        return partial(_for_no_transaction, handle)
    return _refuse if key in REFUSED else handle


def _refuse(_request: Any, _context: RequestContext) -> NoReturn:
    raise BrokerError(ErrorCode.POLICY_VIOLATION, WHY)


def _for_no_transaction(handle: Handle, request: Any, context: RequestContext) -> Any:
    """librdkafka would ask again and again for a plain producer id. What is produced with it is refused."""
    if request.transactional_id is not None:
        raise BrokerError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, WHY)
    return handle(request, context)


def settings_for(directories: Sequence[Path]) -> dict[str, str]:
    """What must be set to serve these. Raises StartupError."""
    for directory in directories:
        if not directory.is_dir():
            raise StartupError(f"there is no data directory {directory}")
    try:
        meta = MetaProperties.read(OverlayFiles(), str(directories[0]))
    except StorageError as error:
        raise StartupError(str(error)) from error
    if meta is None:
        raise StartupError(f"{directories[0]} is no data directory of a broker: it has no meta.properties")
    return {
        "log.dirs": ",".join(map(str, directories)),
        "node.id": str(meta.node_id),
        "auto.create.topics.enable": "false",
        "offsets.retention.minutes": str(2**31 - 1),
    }


@contextmanager
def copied(database: Path) -> Iterator[Path]:
    """The path of a copy, with what SQLite has not put into the file itself yet; of none, if there is none."""
    with tempfile.TemporaryDirectory(prefix="pykbroker-") as folder:
        for suffix in ("", "-wal"):
            source = database.with_name(database.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder) / source.name)
        yield Path(folder) / database.name
