"""Each program that install.sh fetches or installs for `make consumers` runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.more_readers

COMMANDS = {
    "caddy": ["version"],
    "dnsmasq": ["--version"],
    "prometheus": ["--version"],
    "traefik": ["version"],
    "unbound": ["-V"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_program_runs(name: str, program: Callable[[str], str]) -> None:
    done = subprocess.run([program(name), *COMMANDS[name]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ersion" in done.stdout or done.stdout.startswith("v")


def test_the_packages_of_the_readers_can_be_imported(readers: str) -> None:
    subprocess.run([readers, "-c", "import dns.resolver"], check=True)
