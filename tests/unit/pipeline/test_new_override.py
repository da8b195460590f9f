"""A new entry of `overrides`: what is written is what is read, and the rest of a file stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.config.yaml_reader import read_yaml
from frostline.errors import UsageError
from frostline.model import Key
from frostline.pipeline.load.override_file import overrides_in
from frostline.pipeline.new_override import NewOverride, _glob, entry_of, with_entry
from frostline.service_keys import matches_key
from frostline.text import escape_control

URL = "http://10.0.0.12:8080/v1"
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def entry(why: str = "disk", service: str = "payments") -> NewOverride:
    return entry_of(service, "2027-01-31", why, [("--add", {"add": [URL]})])


@given(texts, texts.filter(lambda text: not text.startswith("!") and "[" not in text))
def test_any_text_reads_back_from_the_line(why: str, service: str) -> None:
    made = entry(why, service)
    assert escape_control(made.line) == made.line
    (read,) = read_yaml(made.line.encode(), "f.yaml").value
    assert read == made.value
    assert (read["why"], read["service"]) == (why, service)


@given(texts, st.none() | texts)
def test_the_glob_of_a_service_matches_it(service: str, version: str | None) -> None:
    label = "unversioned" if version is None else version
    glob = _glob(service, label)
    assert not glob.startswith("!")
    assert matches_key(glob, Key(service, version))
    assert not matches_key(_glob("a[b]*?", "v1"), Key("ab", "v1"))


FILES = [
    "",
    "# night\n",
    "# night",
    "[]\n",
    "# night\n[]  # none\n",
    "---\n- {service: a, add: [http://a], until: 2027-01-31, why: x}\n",
    "- service: a\n  drop: {address: 10.0.0.9}  # why\n  until: 2027-01-31\n  why: |\n    long\n    text\n",
    "  - service: a\n    add: [http://a]\n    until: 2027-01-31\n    why: x\n  # the end",
    "- {service: a, add: [http://a], until: 2027-01-31, why: x}\r\n# dos\r\n",
    "\ufeff- {service: ä, add: [http://a], until: 2027-01-31, why: x}\n",
    "- {service: a, add: [http://a], until: 2027-01-31, why: 'x'}\n\n\n",
]


@pytest.mark.parametrize("text", FILES)
def test_an_appended_entry_leaves_the_rest_of_the_file_byte_for_byte(text: str) -> None:
    raw = text.encode()
    new = with_entry(raw, entry(), "night.yaml")
    kept = raw.replace(b"[]", b"") if b"[]" in raw else raw
    assert new.startswith(kept)
    added = new[len(kept) :].decode()
    assert added.strip() == entry().line
    assert added.endswith("\r\n" if "\r" in text else "\n")
    assert [override.service for override in overrides_in(new, "f")][-1] == "payments"
    assert len(overrides_in(new, "f")) == len(overrides_in(raw, "f")) + 1
    assert with_entry(new, entry(), "night.yaml").startswith(new)


@pytest.mark.parametrize(
    "text",
    [
        "[{service: a, add: [http://a], until: 2027-01-31, why: x}]\n",
        "- {service: a, add: [http://a], until: 2027-01-31, why: x}\n...\n",
        "- {service: a, add: [http://a], until: 2027-01-31, why: x}\n---\n",
    ],
)
def test_a_file_whose_other_entries_would_change_is_left_alone(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be added without changing the rest|second YAML document"):
        with_entry(text.encode(), entry(), "night.yaml")


def test_parts_become_one_entry_and_a_wrong_part_is_reported_with_its_option() -> None:
    made = entry_of(
        "a",
        "2027-01-31",
        "x",
        [
            ("--drop", {"drop": [{"port": 1}]}),
            ("--drop", {"drop": [{"port": 2}]}),
            ("--add", {"add": [URL]}),
            ("--replace", {"replace": {"http://a": "http://b"}}),
        ],
    )
    assert made.line == (
        '- {service: "a", drop: [{port: 1}, {port: 2}], '
        f'add: ["{URL}"], replace: {{"http://a": "http://b"}}, until: 2027-01-31, why: "x"}}'
    )
    with pytest.raises(UsageError, match="^--add: the URL has no scheme$"):
        entry_of("a", "2027-01-31", "x", [("--add", {"add": ["a:1"]})])
    with pytest.raises(UsageError, match="is to be replaced twice"):
        entry_of(
            "a",
            "2027-01-31",
            "x",
            [("--replace", {"replace": {"http://a": f"http://{name}"}}) for name in ("b", "c")],
        )
