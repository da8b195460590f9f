"""Find the programs that tests run, and skip or fail a test whose program is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

INSTALL = Path(__file__).with_name("install.sh")
MISSING = "no real server: "

FETCHED = ("consul-1.8", "consul-1.14", "puppet-8", "envoy", "traefik", "caddy", "hadolint", "actionlint")
"""The programs that install.sh keeps in the user's cache, without root. Tests let it fetch them."""

_CONSUL = "tests/servers/install.sh {}, or set FROSTLINE_CONSUL"
_OTHERWISE = {
    "readers": "make build/consumers/.installed",
    "documentation site": "make site",
    "npm packages": "make build/npm/node_modules, which needs npm",
    "environment generator": "sudo apt-get install systemd",
    **dict.fromkeys(("go", "gofmt"), "install Go 1.22 or newer"),
    "node": "install Node.js 20 or newer",
    **dict.fromkeys(("java", "javac"), "install a JDK, 17 or newer"),
    "mvn": "install Maven",
}
"""How to get the programs that install.sh does not know."""


def how_to_get(program: str) -> str:
    if program in _OTHERWISE:
        return _OTHERWISE[program]
    if program.startswith("consul-"):
        return _CONSUL.format(program)
    return f"{'' if program in FETCHED else 'sudo '}tests/servers/install.sh {program}"


def missing(program: str, why: str = "") -> NoReturn:
    """Skip the test. With CI=true it fails, because CI must have all programs."""
    if os.environ.get("CI") in ("true", "1"):
        pytest.fail(f"{program} is missing: {how_to_get(program)}\n{why}", pytrace=False)
    pytest.skip(f"{MISSING}{program}")


def path_of(program: str) -> str:
    """Return the path of this program. If it is missing, the test is skipped; with CI=true it fails."""
    if program in FETCHED:
        found = _installed(program)
        if found.returncode:
            missing(program, found.stderr)
        return found.stdout.strip()
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if path is None:
        missing(program)
    return path


@cache
def _installed(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([INSTALL, program], capture_output=True, text=True, check=False)
