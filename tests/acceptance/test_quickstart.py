"""`make quickstart`, in a copy of the checkout, compiles the sample from nothing and calls a service through it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = Path("samples", "quickstart")
LAST = "  GET /invoices/42 HTTP/1.1\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git repository with all that `make quickstart` reads."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / SAMPLE, root / SAMPLE, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    git(root, "init", "--quiet")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")


def quickstart(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make quickstart` with this environment's Python in place of a new .venv; stdout and stderr are one."""
    binaries = Path(sys.executable).parent
    return subprocess.run(
        ["make", "--no-print-directory", "--old-file=venv", f"BIN={binaries}", "quickstart"],
        cwd=root,
        env={key: value for key, value in os.environ.items() if "MAKE" not in key} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def port_in(printed: str) -> str:
    found = re.search(r'^> +billing: "http://127\.0\.0\.1:(\d+)"$', printed, re.MULTILINE)
    assert found is not None, printed
    return found[1]


def test_it_prints_what_its_page_shows_and_leaves_the_checkout_clean(checkout: Path) -> None:
    done = quickstart(checkout)
    assert done.returncode == 0, done.stdout
    rest = done.stdout.replace(port_in(done.stdout), "PORT")
    page = (ROOT / SAMPLE / "README.md").read_text(encoding="utf-8")
    for excerpt in page.partition("```text\n")[2].partition("```")[0].split("…\n"):
        assert excerpt in rest
        rest = rest.partition(excerpt)[2]
    assert rest == ""
    assert git(checkout, "status", "--porcelain") == ""


def test_every_file_that_the_plan_announces_is_there_and_listed(checkout: Path) -> None:
    printed = quickstart(checkout).stdout
    announced = re.findall(r"^  \+ (\S+/\S+)$", printed, re.MULTILINE)
    listed = printed.partition("Files written:\n")[2].partition("\n\n")[0].split()
    assert len(announced) == 11
    assert sorted(listed) == sorted([*announced, "frostline.manifest"])
    assert all((checkout / "build" / "quickstart" / path).is_file() for path in listed)


def test_it_starts_from_nothing_again_while_another_program_has_its_last_port(checkout: Path) -> None:
    first = port_in(quickstart(checkout).stdout)
    (checkout / "build" / "quickstart" / "leftover").touch()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(first)))
        other.listen()
        again = quickstart(checkout)
    assert again.returncode == 0, again.stdout
    assert port_in(again.stdout) != first
    assert "Plan: 7 to add, " in again.stdout
    assert "leftover" not in again.stdout


def test_a_proxy_in_the_environment_is_not_asked(checkout: Path) -> None:
    done = quickstart(checkout, http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "command", "status"),
    [
        ("frostline.yaml", "billing.example", "elsewhere.example", None, 1),
        ("frostline.yaml", 'names: "^[a-z]', 'names: "^[A-Z]', "frostline plan --offline", 4),
        ("frostline.lock", '"port":8081', '"port":', "frostline plan --offline", 2),
        ("call.py", "url('billing')", "url('biling')", "python call.py", 1),
        ("call.py", '"invoices", "billing"', '"invoices", "biling"', "python call.py", 1),
    ],
)
def test_it_fails_at_the_step_that_fails(
    checkout: Path, file: str, old: str, new: str, command: str | None, status: int
) -> None:
    path = checkout / SAMPLE / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    commit(checkout)
    done = quickstart(checkout)
    assert done.returncode != 0
    if command:
        *_, last = re.findall(r"^\$ (.*)$", done.stdout, re.MULTILINE)
        assert last == command
        assert f"`{command}` ended with exit status {status}, not " in done.stdout
    assert LAST not in done.stdout
    assert git(checkout, "status", "--porcelain") == ""
