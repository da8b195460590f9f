"""The documents are true: links work, examples run and load, and lists are complete."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from doc_pages import PAGES, ROOT, fenced, prose, text_of

from frostline.pipeline.load.config import load_config

SAMPLE = ROOT / "samples" / "quickstart"


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{page}:{number}")
        for page in PAGES
        for found, number, text in fenced(page)
        if found == language
    ]


# --- links ------------------------------------------------------------------------------------------------------------


def anchors(page: str) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages() -> None:
    assert {"README.md", "docs/README.md", "docs/command.md", "samples/quickstart/README.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_file_and_a_heading_in_it(page: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if re.match("[a-z]+:", link):
            continue
        path, _, anchor = link.replace("\n", "").partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        found = target.is_file() and target.resolve().is_relative_to(ROOT)
        if not found or (anchor and anchor not in anchors(target.resolve().relative_to(ROOT).as_posix())):
            broken.append(link)
    assert broken == []


def test_the_index_leads_to_every_page_of_the_documents() -> None:
    linked = {
        (ROOT / "docs" / link.partition("#")[0]).resolve()
        for link in re.findall(r"\]\(([^)]+)\)", prose("docs/README.md"))
    }
    pages = {ROOT / page for page in PAGES if page.startswith(("docs/", "samples/")) and page != "docs/README.md"}
    assert pages - linked == set()


# --- the site ---------------------------------------------------------------------------------------------------------

SITE_CONFIG: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def navigated(entries: list[Any]) -> Iterator[str]:
    """The pages of a navigation, in its order."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from navigated(value if isinstance(value, list) else [value])


def test_the_navigation_of_the_site_has_every_page_once_and_no_other() -> None:
    assert sorted(navigated(SITE_CONFIG["nav"])) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_to_what_the_site_has(page: str) -> None:
    """SITE_FILES of the Makefile: what is copied for the site."""
    listed = re.search(r"^SITE_FILES := (.*)$", text_of("Makefile"), re.MULTILINE)
    assert listed is not None
    copied = tuple(shlex.split(listed[1])[1:])
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?![a-z]+:)([^)#]+)", prose(page))]
    targets = [os.path.relpath((ROOT / page).parent / link, ROOT) for link in links]
    assert [target for target in targets if not target.startswith(copied) and target not in PAGES] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_site_shows_blocks_and_lists_where_a_git_host_does(page: str) -> None:
    """Python-Markdown wants four spaces before what belongs to a list's item, and an empty line before a list."""
    found = re.findall(
        r"^ +```.*$|(?<=\n\n) {1,3}\S.*$|^(?![-*] |\d+\. | ).+\n(?:[-*]|\d+\.) .*$", prose(page), re.MULTILINE
    )
    assert found == []


# --- configuration ----------------------------------------------------------------------------------------------------

FILLER = {"mesh": {"type": "consul"}}


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_block_of_configuration_loads(text: str, tmp_path: Path) -> None:
    value = yaml.safe_load(text)
    if "sources" not in value:
        text += yaml.safe_dump({"sources": FILLER})
    for output in value.get("outputs", []):
        if "template" in output:
            (tmp_path / output["template"]).write_text("")
    for schema in value.get("checks", {}).get("schema", []):
        (tmp_path / schema).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / schema).write_text("{}")
    if isinstance(value.get("overrides"), str):
        (tmp_path / value["overrides"]).write_text("")
    path = tmp_path / "frostline.yaml"
    path.write_text(text, encoding="utf-8")
    load_config(path)


def test_other_yaml_is_marked_so() -> None:
    assert {language for page in PAGES for language, _, _ in fenced(page)} <= {
        *(
            "console",
            "dockerfile",
            "hcl",
            "ini",
            "jinja",
            "puppet",
            "python",
            "sh",
            "text",
            "toml",
            "ts",
            "yaml",
            "yml",
        ),
    }


CONFIG: dict[str, Any] = json.loads((ROOT / "schemas" / "config.schema.json").read_text(encoding="utf-8"))["$defs"]
ALL_OUTPUTS = {"type", "path", "name", "select", "sources", "prefer", "consumer", "url", "unversioned_url"}
ALL_OUTPUTS |= {"verify", "verify_timeout"}
KEYS = {
    "docs/sources/consul.md": {key: value for key, value in CONFIG["consul"]["properties"].items() if key != "type"},
    "docs/sources/nomad.md": {key: value for key, value in CONFIG["nomad"]["properties"].items() if key != "type"},
    "docs/sources/static.md": {key: value for key, value in CONFIG["static"]["properties"].items() if key != "type"},
    "docs/sources/router.md": {
        **{key: value for key, value in CONFIG["router"]["properties"].items() if key != "type"},
        **{f"services.{k}": v for k, v in CONFIG["router"]["properties"]["services"]["properties"].items()},
    },
    "docs/concepts/selection.md": CONFIG["select"]["properties"],
    "docs/outputs.md": CONFIG["output"]["properties"],
    **{
        f"docs/outputs/{kind}.md": {k: v for k, v in CONFIG[kind]["properties"].items() if k not in ALL_OUTPUTS}
        for kind in ("yaml", "hiera", "page", "puppet-module", "python")
    },
}


def defaults(page: str) -> dict[str, Any]:
    """Key -> default of the table `key | default | meaning`, None where the cell is empty or in words."""
    table = re.search(r"^\| key \| default \| .*\n\|---\|---\|---\|\n((?:\|.*\n)+)", text_of(page), re.MULTILINE)
    assert table is not None
    rows = [row.split(" |")[:2] for row in table[1].splitlines()]
    return {key.strip("|` "): yaml.safe_load(cell.strip(" `")) if "`" in cell else None for key, cell in rows}


@pytest.mark.parametrize("page", sorted(KEYS))
def test_a_page_has_every_key_of_its_part_of_the_configuration_with_its_default(page: str) -> None:
    def default(value: dict[str, Any]) -> Any:
        target = CONFIG.get(value.get("$ref", "").removeprefix("#/$defs/"), {})
        return value.get("default", target.get("default"))

    assert defaults(page) == {key: default(value) for key, value in KEYS[page].items()}


# --- the examples -----------------------------------------------------------------------------------------------------


def steps(text: str) -> list[tuple[str, str]]:
    """(command, what it prints) of a console block; `> ` goes on with a command."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif re.match("> |>$", line) and found[-1][1] == "":
            found[-1] = (found[-1][0] + line[2:].removeprefix("\n") + ("\n" if line == ">\n" else ""), "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


NO_SERVER = {"CONSUL_HTTP_ADDR": "http://127.0.0.1:1", "NOMAD_ADDR": "http://127.0.0.1:2"}
SHOWN_AS = {"http://127.0.0.1:1": "http://127.0.0.1:8500", "http://127.0.0.1:2": "http://127.0.0.1:4646"}
"""Where the README's agents are missing, whatever runs on this machine, and where it says that they are."""
SHOWN = [page for page in PAGES if any(language == "console" for language, _, _ in fenced(page))]


@pytest.mark.parametrize("page", SHOWN)
def test_what_a_page_shows_is_what_the_quickstart_prints(
    page: str, tmp_path: Path, run_frostline: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    # A sample's own page is about that sample, the README about an empty folder, every other page about the quickstart.
    own = (ROOT / page).parent
    if own == ROOT:
        (tmp_path / "shop").mkdir()
    else:
        shutil.copytree(own if (own / "frostline.yaml").exists() else SAMPLE, tmp_path / "shop")
    wanted = [step for language, _, text in fenced(page) if language == "console" for step in steps(text)]
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in ("python", "python3"):
        (binaries / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (binaries / "frostline").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m frostline "$@"\n')
    for binary in binaries.iterdir():
        binary.chmod(0o755)
    env = {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **NO_SERVER}

    def printed(command: str) -> str:
        """What a terminal shows. Each command starts in the folder of the page."""
        if re.fullmatch(r"frostline [\w /.-]+\n", command):
            words = shlex.split(command)[1:]
            env_of_it = {"NO_COLOR": "1", **NO_SERVER}
            said = run_frostline(*words, cwd=tmp_path / "shop", env=env_of_it, as_in_terminal=True).stdout
            return re.sub(r"http://127\.0\.0\.1:\d\b", lambda found: SHOWN_AS[found[0]], said)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path / "shop",
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done.stdout

    assert [(command, printed(command)) for command, _ in wanted] == wanted


# --- the README -------------------------------------------------------------------------------------------------------


def test_the_readme_is_one_screen() -> None:
    assert len(text_of("README.md").splitlines()) <= 100


def test_the_readme_has_a_reason_for_every_dependency_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split("[<>=!~ ;[]", requirement)[0] for requirement in project["dependencies"]]
    table = re.search(r"^\| dependency \| .*\n\|---\|---\|\n((?:\|.*\n)+)", text_of("README.md"), re.MULTILINE)
    assert table is not None
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]
    assert [name for name, _ in rows] == sorted(names)
    assert all(reason for _, reason in rows)


def test_the_changelog_has_the_version_that_there_is() -> None:
    from frostline import __version__

    assert re.search(rf"^## .*\b{re.escape(__version__)}", text_of("CHANGELOG.md"), re.MULTILINE)
