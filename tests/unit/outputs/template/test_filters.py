"""Quoting filters: what they write reads back as the same value, in one token."""

from __future__ import annotations

import ast
import io
import itertools
import json
import math
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from frostline.outputs.template import filters
from frostline.outputs.template.text import TemplateFault, Trusted, trusted

HOSTILE = [
    *map(chr, range(0x180)),
    *(f"a{chr(point)}b" for point in range(0x21, 0x7F)),
    "",
    " ",
    "\\",
    "\\\\",
    "\\n",
    "\\x41\\u0041",
    '\\"',
    "'''",
    '"""',
    "a\r\nb\n",
    "\u2028\u2029\ufeff\ufffe\uffff",
    "\u202eabc\u200b",
    "😀\U000e0041",
    "e\u0301",
    "${x} $(x) `x` $x",
    "%{x} {{x}} {% x %}",
    "</script><!--",
    ":sym",
    "1,000",
    "no",
    "0777",
    "1e3",
    "~",
    "<<",
    "../..",
    "x" * 3000,
]

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)


def values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
    )


def yaml_1_2(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


READERS: dict[str, list[Callable[[str], Any]]] = {
    "json": [json.loads],
    "py": [ast.literal_eval],
    "toml": [lambda text: tomllib.loads(f"x = {text}")["x"]],
    "yaml": [yaml.safe_load, yaml_1_2],
    "ansible": [lambda text: yaml.load(text, UnsafeTags)],
    "traefik": [yaml.safe_load, yaml_1_2],
}


class UnsafeTags(yaml.SafeLoader):
    """Reads `!unsafe` as Ansible does: as the string behind it."""


UnsafeTags.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("value", [HOSTILE, dict(zip(HOSTILE, itertools.count(), strict=False))], ids=["list", "keys"])
def test_every_hostile_text_reads_back(name: str, value: Any) -> None:
    written = filters.QUOTING[name](value)
    assert isinstance(written, Trusted)
    assert [read(written) for read in READERS[name]] == [value] * len(READERS[name])


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_value_reads_back_from_one_line_without_anything_invisible(name: str, data: st.DataObject) -> None:
    leaves = texts | (scalars if name != "toml" else scalars.filter(lambda value: value is not None))
    value = data.draw(values(leaves))
    written = filters.QUOTING[name](value)
    assert [read(written) for read in READERS[name]] == [value] * len(READERS[name])
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff]", written)


@pytest.mark.parametrize("name", READERS)
def test_a_float_stays_a_float(name: str) -> None:
    for number in (1e16, 1e-7, -0.0, 1.5, 5e-324, 1.7976931348623157e308):
        for read in READERS[name]:
            again = read(filters.QUOTING[name](number))
            assert (type(again), again) == (float, number)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, {1: "x"}, {None: "x"}, object(), "\ud800", {"\udfff": 1}])
def test_what_a_format_can_not_hold_is_refused(name: str, value: object) -> None:
    with pytest.raises(TemplateFault):
        filters.QUOTING[name](value)


@pytest.mark.parametrize("value", [None, [None], 2**63, -(2**63) - 1])
def test_toml_has_no_none_and_64_bits(value: object) -> None:
    with pytest.raises(TemplateFault):
        filters.toml(value)


def test_json_can_not_end_a_script_element() -> None:
    assert "<" not in filters.json(["</script>", "<!--"])


def in_shell(written: list[str]) -> list[str]:
    script = f"printf '%s\\0' {' '.join(written)}"
    return subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]


def test_a_shell_reads_every_word_as_it_was() -> None:
    words = [text for text in HOSTILE if "\0" not in text]
    assert in_shell([filters.shell(word) for word in words]) == words


@given(texts.filter(lambda text: "\0" not in text))
@settings(max_examples=80, deadline=None)
def test_a_shell_word_is_one_word(text: str) -> None:
    assert shlex.split(filters.shell(text)) == [text]


UNDONE = {'\\"': '"', "\\\\": "\\", "\\'": "'", "\\n": "\n", "\\r": "\r", "\\t": "\t"}


def nginx_parameters(text: str) -> list[str]:
    """The parameters of one line as ngx_conf_read_token reads double-quoted ones."""
    found = []
    while text:
        match = re.match(r'"((?:[^"\\]|\\.)*)"(?=[\s;{)]|$)\s*', text, re.DOTALL)
        assert match, text
        found.append(re.sub(r"\\.", lambda escape: UNDONE.get(escape[0], escape[0]), match[1], flags=re.DOTALL))
        text = text[match.end() :]
    return found


@given(st.lists(texts.filter(lambda text: "\0" not in text and len(text) < 500), max_size=3))
@settings(max_examples=80, deadline=None)
def test_an_nginx_parameter_is_one_parameter(parameters: list[str]) -> None:
    line = " ".join(filters.nginx(parameter, "$") for parameter in parameters)
    assert "\n" not in line
    assert nginx_parameters(line) == parameters


def test_a_dollar_needs_a_word_how_to_write_it() -> None:
    with pytest.raises(TemplateFault, match=r"'a\$b' contains '\$'") as caught:
        filters.nginx("a$b")
    assert caught.value.help is not None
    assert "geo $dollar" in caught.value.help
    assert filters.nginx("a$b", "$") == '"a$b"'
    assert filters.nginx("a$b", dollar="${dollar}") == '"a${dollar}b"'


@pytest.mark.parametrize("dollar", ["$host", '"; return 200; #', "${a", "${A}", "x", "${a}\n"])
def test_nothing_but_a_variable_stands_for_a_dollar(dollar: str) -> None:
    with pytest.raises(TemplateFault, match="cannot stand for a dollar sign"):
        filters.nginx("a", dollar)


@pytest.mark.parametrize("value", ["a\0b", "x" * 4001, '"' * 2001, None, True, [], {}, ["a"]])
def test_what_no_nginx_parameter_can_be_is_refused(value: object) -> None:
    with pytest.raises(TemplateFault):
        filters.nginx(value)


@pytest.mark.parametrize("value", ["a\0b", None, False, ["a"], "\ud800"])
def test_what_no_shell_word_can_be_is_refused(value: object) -> None:
    with pytest.raises(TemplateFault):
        filters.shell(value)


@given(texts.filter(bool))
@settings(max_examples=80, deadline=None)
def test_an_identifier_is_plain_and_tells_its_name(name: str) -> None:
    written = filters.identifier(name)
    assert re.fullmatch(r"[a-z0-9._-]+", written)
    assert "__" not in written
    undone = re.sub(rb"_(..)", lambda found: bytes.fromhex(found[1].decode()), written.encode())
    assert undone.decode() == name


def test_an_empty_name_has_no_identifier() -> None:
    with pytest.raises(TemplateFault):
        filters.identifier("")


def test_numbers_are_quoted_as_text() -> None:
    assert (filters.nginx(8080), filters.shell(8080), filters.raw(1.5)) == ('"8080"', "'8080'", "1.5")


def test_indenting_breaks_lines_at_newlines_alone() -> None:
    text = trusted("a\n\nb\u2028c\x85d")
    assert filters.indent(text, 2) == "a\n\n  b\u2028c\x85d"
    assert filters.indent(text, 2, True, True) == "  a\n  \n  b\u2028c\x85d"
    assert isinstance(filters.indent(text), Trusted)
    assert not isinstance(filters.indent("a;"), Trusted)
