"""Cluster metadata: where it is stored (`store`, `sqlite`), and the immutable picture that handlers read (`image`)."""
