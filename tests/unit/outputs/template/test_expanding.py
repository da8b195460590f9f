"""The filters for readers that expand what stands in quotes: what they write is read as it was, or it is refused."""

from __future__ import annotations

import io
import re
import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from frostline.outputs.template import filters
from frostline.outputs.template.text import TemplateFault

TEXTS = [
    *map(chr, range(0x20, 0x180)),
    *(f"a{chr(point)}b" for point in range(0x21, 0x7F)),
    *("", "\t", "\\", "\\\\", "\\n", '\\"', "'''", '"""', "a\nb\n", "😀\U000e0041", "\u2028\u2029\ufeff", "$(x) `x` $"),
    *("</script><!--", "%{x} {% x %}", "~", "#a", "-n", "a=b", "export A=1", "x" * 3000, "a # b", "\\\n", "'\\"),
]


def in_sh(written: list[str]) -> list[str]:
    """What sh reads from a file of these values."""
    lines = "".join(f"A{number}={value}\n" for number, value in enumerate(written))
    names = " ".join(f'"$A{number}"' for number in range(len(written)))
    script = f"{lines}printf '%s\\0' {names}"
    return subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]


def yaml_1_2(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


def test_sh_reads_a_variable_as_it_was() -> None:
    taken = [text for text in TEXTS if not re.search(r"\x7f|\$[\w{$]", text)]
    taken = [text for text in taken if not (re.search(r"[\\']", text) and re.search("[$`]", text))]
    assert len(taken) > len(TEXTS) - 5
    assert in_sh([filters.QUOTING["dotenv"](text) for text in taken]) == taken


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", "''"),
        ("a b", "'a b'"),
        ('"#;`x` $ $.', "'\"#;`x` $ $.'"),
        ("it's", '"it\'s"'),
        ("C:\\new", '"C:\\\\new"'),
        ("'\"\\", '"\'\\"\\\\"'),
        ("a\nb\tc", "'a\nb\tc'"),
    ],
)
def test_a_variable_is_in_the_quotes_that_all_readers_read_the_same(text: str, written: str) -> None:
    assert filters.QUOTING["dotenv"](text) == written
    assert in_sh([written]) == [text]


@pytest.mark.parametrize(
    "text", ["a$HOME", "${HOME}", "$$", "$5", "$_", "it's $", "\\`x`", "a\rb", "\0", "\x1b[0m", "\x7f", None, ["a"]]
)
def test_what_readers_of_variables_read_in_different_ways_is_refused(text: object) -> None:
    with pytest.raises(TemplateFault, match=r"contains |cannot be quoted") as caught:
        filters.QUOTING["dotenv"](text)
    assert re.search(r"\| (shell|json)", caught.value.help or "")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a b", '"a b"'),
        ("{{ 7*7 }}", '!unsafe "{{ 7*7 }}"'),
        ("a{% raw %}", '!unsafe "a{% raw %}"'),
        ("#jinja2: variable_start_string: <<", '!unsafe "#jinja2: variable_start_string: <<"'),
        (["{", "b", 1, None], '[!unsafe "{", "b", 1, null]'),
        ({"a": {"{{ b }}": "{{ c }}"}, "<<": True}, '{a: {!unsafe "{{ b }}": !unsafe "{{ c }}"}, !!str "<<": true}'),
        ({"{" * 1100: 1}, f'{{? !unsafe "{"{" * 1100}" : 1}}'),
    ],
)
def test_what_ansible_would_take_for_a_template_is_tagged(value: object, written: str) -> None:
    assert filters.QUOTING["ansible"](value) == written


@pytest.mark.parametrize("value", [["#{1}"], {"x": ["a#{b}"]}, "\\${a}"])
def test_what_spring_would_expand_is_refused(value: object) -> None:
    with pytest.raises(TemplateFault, match=r"contains '.*', which Spring expands"):
        filters.QUOTING["spring"](value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("${user.home}", '"${frostline.dollar:$}{user.home}"'),
        ("$${$HOME", '"$${frostline.dollar:$}{$HOME"'),
        ({"${a}": ["${b}", 1]}, '{"${a}": ["${frostline.dollar:$}{b}", 1]}'),
    ],
)
def test_a_placeholder_of_spring_is_written_with_one_for_its_dollar(value: object, written: str) -> None:
    assert filters.QUOTING["spring"](value) == written


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "${" not in text and "#{" not in text))
@settings(max_examples=50, deadline=None)
def test_other_text_for_spring_is_yaml(text: str) -> None:
    written = filters.QUOTING["spring"]([text])
    assert [yaml.safe_load(written), yaml_1_2(written)] == [[text]] * 2


@given(st.text("{}%`a\\\"'\n", max_size=12))
@settings(max_examples=50, deadline=None)
def test_text_for_traefik_has_no_action_of_a_go_template(text: str) -> None:
    for value in (text, [text, text], {"{": {text: text}}):
        written = filters.QUOTING["traefik"](value)
        assert "{{" not in written
        assert [yaml.safe_load(written), yaml_1_2(written)] == [value] * 2
