"""The environment of a verifier: frostline's own without variables that are, or may be, secrets."""

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
"""The least number of characters of a token to search in other variables: a shorter one would occur by chance."""


def without_secrets(environment: Mapping[str, str], tokens: Collection[str]) -> dict[str, str]:
    """The variables that a verifier gets. tokens: the names of the variables from which sources take their tokens.

    It leaves out these variables and all variables of Consul, Nomad and Vault; variables that contain the value of any
    of these tokens; names that suggest a secret (TOKEN, SECRET, PASSWORD, KEY …); and values that contain a URL with a
    password, or a private key.
    """
    secret_names = {*tokens, *filter(_OF_THE_SERVERS.match, environment)}
    secrets = [value for name in secret_names if len(value := environment.get(name, "").strip()) >= _SHORTEST]
    return {
        name: value
        for name, value in environment.items()
        if name not in tokens
        and not _SECRET_NAME.search(name)
        and not _SECRET_VALUE.search(value)
        and not any(secret in value for secret in secrets)
    }
