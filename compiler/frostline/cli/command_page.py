"""The list of commands in docs/command.md. `make reference` writes it; a test compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from frostline.cli.commands import COMMANDS

_LIST = re.compile(r"(?<=<!-- Written by `make reference`. -->\n\n).*?(?=\n## )", re.DOTALL)


def with_commands(page: str) -> str:
    """The page with its list of commands written anew: what each does, and a link to its section."""
    rows = (f"| [`{name}`](#{name}) | {does.removesuffix('.')} |\n" for name, does in COMMANDS.items())
    return _LIST.sub(lambda found: "".join(("| command | |\n|---|---|\n", *rows)), page)


def main() -> None:
    """Write the list in the page that is named."""
    path = Path(sys.argv[1])
    path.write_text(with_commands(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
