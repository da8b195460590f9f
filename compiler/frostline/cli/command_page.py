"""The list of commands in docs/command.md. `make reference` writes it, and a test compares it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from frostline.cli.commands import COMMANDS

_LIST = re.compile(r"(?<=<!-- Written by `make reference`. -->\n\n).*?(?=\n## )", re.DOTALL)


def with_commands(page: str) -> str:
    """Return the page with a new list of commands: what each command does, and a link to its section."""
    rows = (f"| [`{name}`](#{name}) | {does.removesuffix('.')} |\n" for name, does in COMMANDS.items())
    return _LIST.sub(lambda match: "".join(("| command | |\n|---|---|\n", *rows)), page)


def main() -> None:
    """Write the list into the page that the first argument names."""
    path = Path(sys.argv[1])
    path.write_text(with_commands(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
