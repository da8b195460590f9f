"""The environment of a verifier: that of frostline, without what is, or may be, a secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_SECRET_NAME = re.compile(
    "^(CONSUL|NOMAD|VAULT)_|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|APIKEY"
    "|(^|_)(AUTH|PASS|KEY|KEYS|PAT|COOKIE)(_|$)|_PWD$",
    re.IGNORECASE,
)
_OF_THE_SERVERS = re.compile("(CONSUL|NOMAD|VAULT)_.*(TOKEN|SECRET|AUTH)", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"://[^/@\s]*:[^/@\s]+@|-----BEGIN [A-Z ]*PRIVATE KEY")
_SHORTEST = 8
"""Characters of a token that other variables are searched for: a shorter one would be found by chance."""


def without_secrets(environment: Mapping[str, str], tokens: Collection[str]) -> dict[str, str]:
    """The variables that a verifier gets. tokens: the names of those that sources take their tokens from.

    Left out: these, all variables of Consul, Nomad and Vault, and others that hold a token of either; names that speak
    of a secret (TOKEN, SECRET, PASSWORD, KEY …); values that are a URL with a password or a private key.
    """
    secret = {*tokens, *filter(_OF_THE_SERVERS.match, environment)}
    known = [value for name in secret if len(value := environment.get(name, "").strip()) >= _SHORTEST]
    return {
        name: value
        for name, value in environment.items()
        if name not in tokens
        and not _SECRET_NAME.search(name)
        and not _SECRET_VALUE.search(value)
        and not any(token in value for token in known)
    }
