"""Commands for people with no JVM: Kafka's verbs and flags, asked of any Kafka broker over the protocol."""
