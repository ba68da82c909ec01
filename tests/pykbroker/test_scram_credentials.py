"""SCRAM credentials: what is kept of them. How requests are answered is in test_administration.py."""

from __future__ import annotations

import base64
import hashlib
import hmac

from pykbroker.scram_credentials import Upsertion, credential


def test_the_keys_are_those_of_rfc_7677() -> None:
    """Its example: user "user", password "pencil", SCRAM-SHA-256."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    salted_password = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, 4096)

    kept = credential(Upsertion("user", 1, 4096, salt, salted_password))

    assert (salt, 4096) == (kept.salt, kept.iterations)
    # "v=" of the server's last message is made with this key.
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )

    assert (
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        == base64.b64encode(hmac.digest(kept.server_key, message, "sha256")).decode()
    )
    assert salted_password not in (kept.server_key, kept.stored_key)
