"""Settings in the environment, as people write them for the images of Apache, Bitnami and Confluent.

`KAFKA_LOG_DIRS` is `log.dirs`, and so is Bitnami's `KAFKA_CFG_LOG_DIRS`, which wins: `_` is a dot, `__` an underscore,
`___` a hyphen. The images have variables of their own that look like settings and are none; what those say of users and
certificates matters to listeners only that are not served without them. Kubernetes makes variables of its own for a
service that is called kafka.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

CLUSTER_ID_VARIABLES = ("CLUSTER_ID", "KAFKA_KRAFT_CLUSTER_ID")

_OF_IMAGES = re.compile(
    r"KAFKA_(HOME|ROOT|URI|VERSION|DEBUG|OPTS|CREATE_TOPICS|HEAP_OPTS|GC_LOG_OPTS|JVM_.*|JMX_.*|LOG4J.*|TOOLS_LOG4J.*"
    r"|BASE_DIR|VOLUME_DIR|DATA_DIR|CONF_DIR|CONF_FILE|MOUNTED_CONF_DIR|ENABLE_KRAFT|KRAFT_.*|EXTRA_FLAGS|DAEMON_.*"
    r"|SKIP_.*|INIT_.*|INITSCRIPTS_DIR|OVERRIDE.*|CERTIFICATE_PASSWORD|TLS_.*|ZOOKEEPER_(PROTOCOL|USER|PASSWORD|TLS_.*)"
    r"|PORT(_\d+_.*)?|SERVICE_(HOST|PORT)(_.*)?"
    r"|CLIENT_(USERS|PASSWORDS|LISTENER_NAME)|(INTER_BROKER|CONTROLLER)_(USER|PASSWORD|CLIENT_ID|CLIENT_SECRET)"
    r"|SSL_(KEYSTORE_FILENAME|KEYSTORE_CREDENTIALS|KEY_CREDENTIALS|TRUSTSTORE_FILENAME|TRUSTSTORE_CREDENTIALS))"
)


class Variable(NamedTuple):
    text: str
    name: str


def settings_of(environment: Mapping[str, str]) -> dict[str, Variable]:
    """By the setting's name."""
    found = {}
    for prefix in ("KAFKA_", "KAFKA_CFG_"):
        for name, text in environment.items():
            if name.startswith(prefix) and not _OF_IMAGES.fullmatch(name):
                if prefix == "KAFKA_" and name.startswith("KAFKA_CFG_"):
                    continue
                found[_key_of(name.removeprefix(prefix))] = Variable(text, name)
    return found


def cluster_id_of(environment: Mapping[str, str]) -> str | None:
    """What a new cluster is to be called."""
    return next(filter(None, (environment.get(name, "").strip() for name in CLUSTER_ID_VARIABLES)), None)


def listeners_for(advertised: str) -> str | None:
    """As the images of Apache and Confluent listen where only the advertised listeners are given: everywhere."""
    listeners = [re.sub(r"://.*:", "://0.0.0.0:", item.strip()) for item in advertised.split(",")]
    return ",".join(listeners) if all("://" in item for item in listeners) else None


def _key_of(variable: str) -> str:
    replacements = {1: ".", 2: "_", 3: "-"}
    return re.sub(r"_{1,3}", lambda match: replacements[len(match[0])], variable).lower()
