"""The verifiers of docs/verify.md, each in its program: it takes what that can read, and refuses what it cannot."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
import yaml

from frostline.model import FileOrigin
from frostline.settings import Verifier
from frostline.verify.verifying import CopiedFile, Subject, verify

ROOT = Path(__file__).parents[2]
TARGETS = '[{"targets": ["10.0.0.1:80"]}]'
HAPROXY = "defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nfrontend f\n  bind 127.0.0.1:1\n"
READERS = {
    "nginx, a whole configuration": ("nginx", "events {}", "events {} }"),
    "nginx, a file that it includes": ("nginx", "upstream a { server 10.0.0.1:80; }", "upstream a { server x x; }"),
    "HAProxy": ("haproxy", HAPROXY, f"{HAPROXY}  nonsense\n"),
    "Prometheus, targets for `file_sd`": ("promtool", TARGETS, TARGETS[:-1]),
    "Puppet, a manifest": ("puppet", "class shop {}", "class shop {"),
    "Hiera data": ("ruby", 'a: "b"\n', 'a: "b\n'),
    "Python": ("python3", "x = 1\n", "x =\n"),
    "JSON": ("python3", "{}", "{"),
}
"""The reader as the page calls it -> (its program, what that takes, what it refuses)."""

ROWS = re.findall(
    r"^\| (.+) \| `(\[.+\])` \|$", (ROOT / "docs" / "verify.md").read_text(encoding="utf-8"), re.MULTILINE
)
FAST = ("nginx", "haproxy", "promtool")


def test_every_reader_of_the_page_is_tried() -> None:
    assert [reader for reader, _ in ROWS] == list(READERS)


@pytest.mark.parametrize(
    ("reader", "written"),
    [
        pytest.param(*row, id=row[0], marks=() if READERS[row[0]][0] in FAST else pytest.mark.more_readers)
        for row in ROWS
    ],
)
def test_a_verifier_of_the_page_takes_what_its_reader_takes_and_no_more(
    tmp_path: Path, program: Callable[[str], str], reader: str, written: str
) -> None:
    name, *texts = READERS[reader]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{Path(program(name)).parent}"}
    folder = reader == "Hiera data"
    copied = PurePosixPath("data" if folder else "x.json")
    found = []
    for text in texts:
        file = CopiedFile(path=copied / "x.yaml" if folder else copied, chunks=[text.encode()], sha256=None)
        subject = Subject(output="o", base=tmp_path, path=copied, files=[file], is_folder=folder)
        verifier = Verifier(words=tuple(yaml.safe_load(written)), origin=FileOrigin("frostline.yaml"))
        found.append(verify(verifier, subject, tmp_path, tmp_path, environment))
    assert found[0] is None
    assert found[1] is not None
    assert "is refused by" in found[1].message
