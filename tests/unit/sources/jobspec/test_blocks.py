"""The blocks of job files."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.errors import SourceError


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('job "a" {\n  nonsense = 1\n}\n', "2:3"),
        ('job "a" {\n  nonsense {}\n}\n', "2:3"),
        ('job "a" {\n  group {}\n}\n', "2:3"),
        ('job "a" {}\njob "b" {}\n', "2:1"),
        ("job {}\n", "1:1"),
        ('variable "a" {}\n', "1:1"),
        ("a = 1\n", "1:1"),
        ("nonsense {}\n", "1:1"),
        ('job "a" {\n  datacenters = 1\n}\n', "2:17"),
        ('job "a" {\n  meta {\n    x = [1]\n  }\n}\n', "3:9"),
        ('job "a" {\n  group "b" {\n    service {\n      name = null\n    }\n  }\n}\n', "4:14"),
        ('job "a" {\n  group "b" {\n    service {\n      tags = ["x", null]\n    }\n  }\n}\n', "4:14"),
        ('job "a" {\n  group "b" {\n    service {\n      meta = {}\n    }\n  }\n}\n', "4:7"),
        ('job "a" {\n  group "b" {\n    service {\n      connect {}\n      connect {}\n    }\n  }\n}\n', "5:7"),
        (
            'job "a" {\n  group "b" {\n    task "c" {\n      config {\n        x = var.nope\n      }\n    }\n  }\n}\n',
            "5:16",
        ),
        ('job "a" {\n  dynamic "nonsense" {\n    for_each = []\n    content {}\n  }\n}\n', "2:11"),
        ('job "a" {\n  dynamic "group" {\n    content {}\n  }\n}\n', "2:3"),
        ('job "a" {\n  dynamic "group" {\n    for_each = 1\n    labels = ["x"]\n    content {}\n  }\n}\n', "3:16"),
        ('job "a" {\n  group "b" {\n    count = 1.5\n  }\n}\n', "3:13"),
        ('job "a" {\n  group "b" {\n    count = 9223372036854775808\n  }\n}\n', "3:13"),
        ('job "a" {\n  group "b" {\n    count = "two"\n  }\n}\n', "3:14"),
        ('job "a" {\n  datacenters = ["a", null]\n}\n', "2:17"),
        ('job "a" {\n  group "b" {\n    service {\n      nam = "x"\n    }\n  }\n}\n', "4:7"),
        ('job "a" {\n  meta {}\n  meta {}\n}\n', "3:3"),
        ('job "a" {\n  periodic {}\n  periodic {}\n}\n', "3:3"),
        ('job "a" {\n  group "b" {\n    scaling {}\n    scaling {}\n  }\n}\n', "4:5"),
        ('job "a" {\n  group "b" {\n    meta = {}\n    meta {}\n  }\n}\n', "4:5"),
        ('job "a" {\n  group "b" {\n    network {\n      dns {}\n      dns {}\n    }\n  }\n}\n', "5:7"),
        ("job", "1:1"),
        ("", "1:1"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(folder: Any, text: str, where: str) -> None:
    (folder.path / "a.nomad.hcl").write_text(text)
    error = folder.refusal()
    assert isinstance(error, SourceError)
    assert str(error.origin) == f"a.nomad.hcl:{where}"


def test_dynamic_blocks_nest_with_iterators_and_labels(folder: Any) -> None:
    text = """
    job "a" {
      dynamic "group" {
        for_each = { x = ["p", "q"], y = [] }
        iterator = each
        labels   = ["g-${each.key}"]
        content {
          dynamic "service" {
            for_each = each.value
            content {
              name = "${each.key}-${service.key}-${service.value}"
            }
          }
        }
      }
    }
    """
    assert [service.service for service in folder.declared(text).services] == ["x-0-p", "x-1-q"]


@pytest.mark.parametrize(
    "lines",
    [
        'task "t" {\n next_release = 1\n another { x = 1 }\n restart {}\n restart {}\n }',
        "update {\n next_release = 1\n }",
        'service {\n check {\n intervall = "10s"\n }\n }',
        "service {\n tags = null\n }",
        "network {\n mbits = null\n }",
        "network {}\n network {}",
        "vault {}\n vault {}",
        "count = null",
        "constraint {}\n constraint {}\n affinity {}\n affinity {}\n spread {}\n spread {}",
    ],
)
def test_what_the_registry_does_not_read_is_not_judged(folder: Any, lines: str) -> None:
    text = f'job "a" {{\n group "b" {{\n {lines}\n service {{\n name = "x"\n }}\n }}\n}}\n'
    assert "x" in [service.service for service in folder.declared(text).services]
