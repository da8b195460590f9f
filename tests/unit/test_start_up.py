"""What a command imports: what it does not need costs its start-up time."""

from __future__ import annotations

import json
import subprocess
import sys


def loaded(*arguments: str) -> set[str]:
    """The top-level modules that this command has imported when it ends."""
    code = (
        "import sys, json\n"
        f"sys.argv = ['frostline', *{list(arguments)!r}]\n"
        "from frostline.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_version_imports_neither_click_nor_msgspec() -> None:
    heavy = {"click", "msgspec", "yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl"}
    assert not loaded("--version") & heavy


def test_help_imports_no_stage() -> None:
    assert not loaded("--help") & {"yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl", "consul"}
