"""Settings: Kafka's names, types and defaults, where their values come from, and how they change while the broker runs.

At start
    definitions  the tables of all settings: name, type, default, valid values
    values       a text against its definition
    settings     layered: defaults < file < environment < flags
    properties   the syntax of files; `environment`, how images name settings in variables
    effects      what changes nothing here, and is said at start
    listing      `pykbroker config`
While it runs
    resources    what has settings of its own: topics, brokers, groups, client metrics, loggers
    alteration   one request's changes, resource by resource; `changes`, one resource's, checked
    dynamic      which settings of brokers may change, for whom; `brokers`, to what
    topics       what holds for a topic in the end
    loggers      the levels of the broker's loggers
    entries      how settings are told to clients; `docs`, in a sentence each
"""
