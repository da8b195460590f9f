"""`builtin: dotenv`, read by python-dotenv, systemd's environment generator and sh, which agree on every value."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from catalog import HOSTILE, freeze_catalog, names_of, odd_instances
from loopback import LoopbackServer
from programs import missing
from project import Project

from frostline.model import Instance
from frostline.outputs.template.filters import QUOTING
from frostline.outputs.template.names import PLACES
from frostline.outputs.template.text import TemplateFault

pytestmark = pytest.mark.more_readers

Compiled = Callable[..., Project]
Variables = dict[str, str]

OUTPUT = {"type": "template", "builtin": "dotenv", "path": "services.env"}
GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
# What the shell sets itself.
OWN = {"PWD", "OLDPWD", "SHLVL", "_", "PATH"}


def in_dotenv(path: Path, readers: str) -> Variables:
    done = subprocess.run(
        [readers, "-c", "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))", path],
        capture_output=True,
        check=True,
        env={"PATH": os.defpath, "HOME": "/expanded"},
    )
    assert b"could not parse" not in done.stderr
    found: Variables = json.loads(done.stdout)
    return found


def in_sh(path: Path) -> Variables:
    done = subprocess.run(
        ["sh", "-euc", 'set -a; . "$1"; env -0', "sh", path], capture_output=True, check=True, env={"PATH": os.defpath}
    )
    assert done.stderr == b""
    pairs = (pair.partition("=") for pair in done.stdout.decode().split("\0") if pair)
    return {name: value for name, _, value in pairs if name not in OWN}


def in_systemd(path: Path, folder: Path) -> Variables:
    """What systemd reads: its generator for environment.d has the parser of EnvironmentFile, and prints for a shell."""
    if not GENERATOR.exists():
        missing("environment generator")
    settings = folder / "environment.d"
    settings.mkdir(parents=True)
    (settings / "10-services.conf").write_bytes(path.read_bytes())
    done = subprocess.run(
        [GENERATOR], capture_output=True, check=True, env={"XDG_CONFIG_HOME": str(folder), "HOME": "/expanded"}
    )
    assert done.stderr == b""
    # It quotes a value as `"…"` with C's escapes where it is not plain.
    shown = folder / "shown.sh"
    shown.write_text("".join(_unescaped(line) for line in done.stdout.decode().splitlines(keepends=True)))
    return in_sh(shown)


def _unescaped(line: str) -> str:
    return line.replace("\\t", "\t").replace("\\n", "\n")


def in_all(path: Path, readers: str, folder: Path) -> Variables:
    """What each reader reads, which is the same."""
    read = in_dotenv(path, readers)
    assert in_sh(path) == read
    by_systemd = in_systemd(path, folder)  # and what this machine's own files set
    assert {name: by_systemd.get(name) for name in read} == read
    return read


def test_each_reader_finds_the_chosen_endpoint_of_a_hostile_catalog(
    compiled: Compiled, servers: tuple[LoopbackServer, ...], readers: str, tmp_path: Path
) -> None:
    names = names_of("env")
    project = compiled(
        OUTPUT, {"type": "yaml", "path": "registry.json", "format": "json"}, instances=odd_instances(servers, names)
    )
    read = in_all(project.folder / "services.env", readers, tmp_path / "systemd")
    services = json.loads(project.read("registry.json"))["services"]
    entries = {
        PLACES["env"].name(service if version == "unversioned" else f"{service}-{version}"): entry
        for service, versions in services.items()
        for version, entry in versions.items()
        if entry["url"]
    }
    assert {name: read[f"{name}_URL"] for name in entries} == {name: e["url"] for name, e in entries.items()}
    for name, entry in entries.items():
        places = {(endpoint["address"], str(endpoint["port"])) for endpoint in entry["endpoints"]}
        assert (read[f"{name}_HOST"], read[f"{name}_PORT"]) in places
    assert len(read) == 3 * len(entries)
    assert {"PAYMENTS_V1", "PAYMENTS_V2", "LEDGER", "MAIL"} <= set(entries)
    assert read["LEDGER_HOST"] == "::1"
    assert "EMPTY_V1_URL" not in read


def test_what_the_filter_writes_arrives_as_it_is(readers: str, tmp_path: Path) -> None:
    written: dict[str, str] = {}
    for number, value in enumerate(HOSTILE):
        try:
            written[f"V{number}"] = QUOTING["dotenv"](value)
        except TemplateFault:
            continue
    path = tmp_path / "values.env"
    path.write_text("".join(f"{name}={text}\n" for name, text in written.items()), encoding="utf-8")
    wanted = {name: HOSTILE[int(name[1:])] for name in written}
    assert in_all(path, readers, tmp_path / "systemd") == wanted
    assert len(wanted) > len(HOSTILE) * 0.8


def test_a_url_that_a_reader_would_expand_is_refused(project: Project) -> None:
    for url in ("http://h.example/$HOME", "http://h.example/$$"):
        project.configure(
            {"sources": {"own": {"type": "static", "services": {"web": url}}}, "outputs": [OUTPUT], "version": 1}
        )
        done = project.refused(2, "compile", "--offline")
        assert "service `web`: " in done.stderr
        assert "expands in any quotes" in done.stderr


def test_names_that_become_one_are_refused(project: Project) -> None:
    instances = [Instance(service=name, node="n", id=name, address="10.0.0.1", port=1) for name in ("a.b", "A_b")]
    freeze_catalog(project.folder, [OUTPUT], instances)
    assert "both become the name `A_B` (env)" in project.refused(4, "compile", "--offline").stderr


def test_a_prefix_is_part_of_each_name(compiled: Compiled, readers: str) -> None:
    instances = (Instance(service="2fa", node="n", id="x", address="fd00::1", port=80),)
    project = compiled({**OUTPUT, "vars": {"prefix": "shop_"}}, instances=instances)
    assert in_dotenv(project.folder / "services.env", readers) == {
        "SHOP__2FA_URL": "http://[fd00::1]:80",
        "SHOP__2FA_HOST": "fd00::1",
        "SHOP__2FA_PORT": "80",
    }
