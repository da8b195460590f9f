"""The recipe of CODEOWNERS on a hostile catalog, in a reader that follows GitHub's rules."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from catalog import names_of
from project import Project

from frostline.model import Instance
from frostline.outputs.template.names import Names

pytestmark = pytest.mark.more_readers

PAGE = Path(__file__).parents[2] / "docs" / "recipes" / "codeowners.md"
OWNERS = """
import json, sys
from codeowners import CodeOwners
owners = CodeOwners(open("CODEOWNERS", encoding="utf-8").read())
print(json.dumps({path: [name for _, name in owners.of(path)] for path in json.load(sys.stdin)}))
"""


def test_the_owner_of_each_service_owns_its_file_and_no_other(
    project: Project, compiled: Callable[..., Project], readers: str
) -> None:
    shown = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    project.write("CODEOWNERS.j2", shown["jinja"])
    names = {name.casefold(): name for name in names_of("dns") if len(name) < 100 and not name.startswith(".")}
    instances = [
        *(at(name, 1000 + number, {"owner": name}) for number, name in enumerate(sorted(names.values()))),
        at("two-v1", 80, {"owner": "ann"}),
        at("two-v1", 81, {"owner": "bob"}),
        at("two-v2", 82, {"owner": "ann"}),
        at("nobodys", 83, {}),
    ]
    compiled(*yaml.safe_load(shown["yaml"])["outputs"], instances=instances)
    files = {}
    for path in (project.folder / "registry").iterdir():
        (service,) = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
        files[f"registry/{path.name}"] = service
    done = subprocess.run(
        [readers, "-c", OWNERS], cwd=project.folder, input=json.dumps([*files, "frostline.lock"]), capture_output=True,
        text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found.pop("frostline.lock") == []
    by_service = {files[path]: owners for path, owners in found.items()}
    assert by_service.pop("two") == ["@acme/ann", "@acme/bob"]
    assert (by_service.pop("nobodys"), by_service.pop("empty")) == ([], [])
    place = Names()
    assert by_service == {name: [f"@acme/{place.name(name, 'dns', 'owners')}"] for name in names.values()}
    assert len(by_service) > 20


def at(name: str, port: int, meta: dict[str, str]) -> Instance:
    return Instance(service=name, node="n1", id=f"{name}:{port}", address="10.0.0.1", port=port, meta=meta)
