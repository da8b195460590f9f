"""The schema that `frostline init` writes, in the server that editors ask about YAML: yaml-language-server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from language_server import LanguageServer
from project import Project, Run

from frostline.resources import schema_text

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(path.parent.name for path in (ROOT / "samples").glob("*/frostline.yaml"))
NOWHERE = {"CONSUL_HTTP_ADDR": "http://127.0.0.1:1", "NOMAD_ADDR": "http://127.0.0.1:1"}
SCHEMA = json.loads(schema_text("config"))
CONSUL = "sources:\n  mesh:\n    type: consul\n"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, run_frostline: Callable[..., Run]) -> str:
    """What `frostline init` writes in a folder of its own; its schema beside it."""
    folder = tmp_path_factory.mktemp("edited")
    Project(folder, run_frostline).done("init", env=NOWHERE)
    return str(folder / "frostline.yaml")


@pytest.fixture(scope="module")
def first_line(started: str) -> str:
    return Path(started).read_text(encoding="utf-8").partition("\n")[0] + "\n"


@pytest.fixture(scope="module")
def editor(started: str, npm: Path) -> Iterator[LanguageServer]:
    node = shutil.which("node") or "node"
    program = npm / "yaml-language-server" / "bin" / "yaml-language-server"
    server = LanguageServer([node, str(program)], Path(started).parent)
    yield server
    server.stop()


def test_what_init_writes_has_no_mark(editor: LanguageServer, started: str) -> None:
    assert editor.problems(Path(started).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_sample_has_a_mark(editor: LanguageServer, first_line: str, sample: str) -> None:
    assert editor.problems(first_line + (ROOT / "samples" / sample / "frostline.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (f"{CONSUL}    datacentres: [dc1]\n", (5, 5, "Property datacentres is not allowed.")),
        (f"{CONSUL}    timeout: 5x\n", (5, 14, "String does not match the pattern")),
        (f"{CONSUL}    files: [a]\n", (5, 5, "Property files is not allowed.")),
        (f"{CONSUL}output: []\n", (5, 1, "Property output is not allowed.")),
        (f"{CONSUL}outputs: [{{type: python}}]\n", (5, 11, 'Missing property "path".')),
        ("sources: {mesh: {address: x}}\n", (2, 11, 'Missing property "type".')),
    ],
)
def test_what_is_wrong_is_marked_at_its_place(
    editor: LanguageServer, first_line: str, text: str, mark: tuple[int, int, str]
) -> None:
    (line, column, message), *more = editor.problems(first_line + text)
    assert (line, column, more) == (*mark[:2], [])
    assert mark[2] in message


def test_all_keys_and_types_are_offered_where_they_may_stand(editor: LanguageServer, first_line: str) -> None:
    def offered(text: str) -> set[str]:
        return set(editor.completions(first_line + text))

    assert SCHEMA["properties"].keys() <= offered("|")
    assert offered("sources:\n  mesh:\n    type: |") == {"consul", "nomad", "jobspec", "static", "router"}
    assert offered(f"{CONSUL}outputs:\n  - type: |") == set(SCHEMA["$defs"]["output"]["properties"]["type"]["examples"])
    assert offered(f"{CONSUL}    consistency: |") == {"snapshot", "eventual"}
    assert offered(f"{CONSUL}    |") == SCHEMA["$defs"]["consul"]["properties"].keys() - {"type"}
    assert "nginx" in offered(f"{CONSUL}outputs:\n  - {{type: template, builtin: |}}")


@pytest.mark.parametrize("kind", ["python", "yaml", "hiera", "puppet-module", "template", "page"])
def test_a_key_of_an_output_is_inserted_with_its_colon(editor: LanguageServer, first_line: str, kind: str) -> None:
    inserted = editor.completions(f"{first_line}{CONSUL}outputs:\n  - type: {kind}\n    path: a\n    |")
    assert inserted.keys() == SCHEMA["$defs"][kind]["properties"].keys() - {"type", "path"}
    assert [key for key, text in inserted.items() if not text.startswith(f"{key}:")] == []


def test_a_key_shows_its_meaning(editor: LanguageServer, first_line: str) -> None:
    shown = editor.hover(f"{first_line}{CONSUL}    data|centers: [dc1]\n")
    assert "The datacenters to read." in shown
    assert "all that the agent knows. Default: the agent's own." in shown
