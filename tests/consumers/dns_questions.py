"""Questions to a DNS server on loopback, asked by the Python that has dnspython."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

_ASK = Path(__file__).with_name("ask_dns.py")

Ask = Callable[[Sequence[tuple[str, str]]], dict[tuple[str, str], list[str]]]


def ask_at(python: str, port: int) -> Ask:
    """What asks the server at this port (name, type) and returns the records of each as text, sorted."""

    def ask(questions: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
        run = [python, str(_ASK), str(port)]
        done = subprocess.run(run, input=json.dumps(questions), capture_output=True, text=True, check=True)
        return dict(zip(questions, json.loads(done.stdout), strict=True))

    return ask


def listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
