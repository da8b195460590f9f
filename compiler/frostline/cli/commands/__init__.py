"""The commands. Each is a module of its name, with a click command `command` that returns the exit status."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "init": "Write a first configuration for what is found here.",
    "compile": "Read the sources, check, render and publish.",
    "plan": "Show what compile would change.",
    "check": "Verify that outputs, manifest and lock agree and checks pass.",
    "freeze": "Read the live sources and write the lock only.",
    "watch": "Wait for changes, and publish each one as compile does.",
    "override": "Print an entry of `overrides`, or add it to the overrides file.",
    "explain": "Show where the endpoints of a service come from.",
    "list": "List the services of the committed lock and the local sources.",
    "graph": "Show who depends on whom: the upstreams that consumers declare.",
    "diff": "Show what changed from lock A to lock B.",
    "sources": "Ask each source whether it can be read and what it sees.",
    "rule": "Show what a rule of findings means, or list all rules.",
    "schema": "Print a JSON Schema, or the names of all schemas.",
    "completion": "Print the completion of a shell: bash, fish or zsh.",
}
"""Name -> what the command does, in the order of the help. The docstring of each command starts with this sentence."""
