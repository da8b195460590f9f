"""An error of a template names its place, the service, and what is wrong."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from template_outputs import EVIL, named, place, rendered

from frostline.errors import UsageError
from frostline.outputs.template import values

ERRORS = [
    (
        "{% for s in services %}\n\n{{ s.nope }}{% endfor %}",
        3,
        "service `{}`: there is no 'nope' here, only `name`, `versions`",
    ),
    (
        "{% for s in services %}{% for v in s.versions %}\n{{ v.endpoints[0].meta['a'] }}{% endfor %}{% endfor %}",
        2,
        "service `{}/v1`: there is no 'a' here, only an empty mapping",
    ),
    ("{{ services.append(1) }}", 1, "a list has no 'append'"),
    ("{% for s in services %}\n{{ fail('no ' ~ s.name) }}{% endfor %}", 2, "service `{}`: no {}"),
    ("\n{{ true }}", 2, "true cannot be written as text"),
    (
        "{% for s in services %}{% for v in s.versions %}\n{{ none }}{% endfor %}{% endfor %}",
        2,
        "service `{}/v1`: none cannot",
    ),
    ("\n{{ 'a-' ~ none }}", 2, "none cannot be joined as text"),
    ("\n{{ services }}", 2, "a list cannot be written as text"),
    ("\n{{ services[0] }}", 2, "a mapping cannot be written as text"),
    ("{% macro m() %}{% endmacro %}\n{{ m }}", 2, "a macro (call it) cannot be written as text"),
    ("\n{{ services | nginx }}", 2, "a list cannot be quoted by `| nginx` as text"),
    ("{% filter upper %}\n{% autoescape true %}{% endautoescape %}{% endfilter %}", 2, "autoescape is not supported"),
    ("a\nb={{ 'x' | nginx }}", 2, "text quoted by `| nginx` directly follows '='"),
    ('a\n"{{ services[0].name | json }}"', 2, "text quoted by `| json` is inside a quote"),
    ("\n{% extends 'none.j2' %}", 2, "there is no template `none.j2`"),
]


@pytest.mark.parametrize(("template", "line", "message"), ERRORS)
def test_an_error_names_the_template_the_line_and_the_service(
    refusal: Callable[..., UsageError], template: str, line: int, message: str
) -> None:
    error = refusal(template)
    assert error.message.startswith(f"the output `config`: {message}".replace("{}", EVIL)), error.message
    assert place(error) == ("main.j2", line)
    assert "/jinja2/" not in error.message
    assert "object at 0x" not in error.message


@pytest.mark.parametrize("template", ["{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", "\n{% include 'main.j2' %}"])
def test_a_template_that_calls_itself_endlessly_is_an_error_at_its_line(
    refusal: Callable[..., UsageError], template: str
) -> None:
    depth = len(inspect.stack(0))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 250)  # the traceback of a thousand frames takes pytest ten seconds
    try:
        error = refusal(template)
    finally:
        sys.setrecursionlimit(limit)
    assert error.message.endswith(": a macro, an include or a loop calls itself endlessly")
    assert place(error) == ("main.j2", 2)


def test_a_template_that_needs_too_much_memory_is_an_error_at_its_line(refusal: Callable[..., UsageError]) -> None:
    error = refusal("\n{{ 'a' * 1000000000000000000 }}")  # more than any machine can address
    assert error.message.endswith(": it needs more memory than there is")
    assert place(error) == ("main.j2", 2)


JINJA_WORDS = [
    ("x\n{{ nope }}", 2, "'nope'"),
    ("\n{{ nope | json }}", 2, "'nope'"),
    ("\n{{ {'a': nope} | json }}", 2, "'nope'"),
    ("{{ lipsum() }}", 1, "'lipsum'"),
    ("{{ now() }}", 1, "'now'"),
    ("\n\n{{ 'x' | random }}", 3, "there is no filter `random`"),
    ("\n{{ 'x' is odd_one }}", 2, "there is no test `odd_one`"),
    ("\n{{ ['x'] | map('uper') | list }}", 2, "there is no filter `uper`"),
    ("{{ services[0].update({}) }}", 1, "'update'"),
    ("{% for s in services %}\n{{ s.name.__class__ }}{% endfor %}", 2, "'__class__'"),
    ("a\nb{% if %}", 2, ""),
    ("a\n{% for x in y %}", 2, "'endfor'"),
    ("\n{{ ('a' if false) | json }}", 2, ""),
    ("\n{{ 1 / 0 }}", 2, "a division by zero"),
    ("\n{{ 1 + 'a' }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ [1, 'a'] | sum }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ none < 1 }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ entries['a':] }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ entries[::0] }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ '%(nope)s' % entries[0] }}", 2, "there is no 'nope' here"),
    ("\n{% if [] in entries[0] or entries[0] is containing([]) %}{% else %}{{ fail('no') }}{% endif %}", 2, "no"),
    ("\n{{ range(10 ** 9) | list }}", 2, "a filter or an operator does not take this value: "),
    ("\n{{ {'a': 1}.items() }}", 2, "a mapping has no method 'items' here: loop over `mapping | items`"),
    ("\n{{ {'a': 1}.get('a') }}", 2, "write `mapping[key] | default(…)`"),
    ("\n{{ services[0]['copy'] }}", 2, "there is no 'copy' here, only `name`, `versions`"),
    ("\n{{ services['count'] }}", 2, "a list has no 'count'"),
    ("\n{{ [1]['index'] }}", 2, "a list has no 'index'"),
]


@pytest.mark.parametrize(("template", "line", "name"), JINJA_WORDS)
def test_an_error_that_jinja_or_python_words_has_its_place_and_the_name_that_is_wrong(
    refusal: Callable[..., UsageError], template: str, line: int, name: str
) -> None:
    error = refusal(template)
    assert name in error.message
    assert "'Trusted'" not in error.message
    assert error.help
    assert place(error) == ("main.j2", line)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "{{ service }}",
            "a template gets `entries`, `services`, `upstreams`, `prefer`, `output`, `vars` and `digest`",
        ),
        ("{{ nothing }}", "a template gets `entries`, `services`"),
        ("{{ services[0].nam }}", "test it with `is defined`, or see docs/outputs/template.md"),
    ],
)
def test_help_names_what_a_template_gets(refusal: Callable[..., UsageError], template: str, said: str) -> None:
    assert said in str(refusal(template).help)


def test_an_error_in_an_included_template_is_placed_there(refusal: Callable[..., UsageError]) -> None:
    loop = "{% for s in services %}\n{% include 'part.j2' %}\n{% endfor %}"
    error = refusal(loop, part="\n\n{{ s.name }}")
    assert place(error) == ("part.j2", 3)
    assert error.message.startswith(f"the output `config`: service `{EVIL}`: ")
    assert place(refusal(loop, part="\n{% if %}")) == ("part.j2", 2)
    assert place(refusal("{% import 'part.j2' as p %}\n{{ p.m(1) }}", part="{% macro m() %}\n{% endmacro %}")) == (
        "main.j2",
        2,
    )


def test_an_error_names_the_template_as_users_type_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    template = tmp_path / "templates" / "hosts.j2"
    template.parent.mkdir()
    for text in ("{{ nothing }}", "{% if %}"):
        template.write_text(text)
        with pytest.raises(UsageError) as caught:
            rendered(named(("a", None)), template)
        assert str(caught.value.origin) == "templates/hosts.j2:1:1"


def test_an_error_of_our_own_is_not_taken_for_one_of_the_template(
    written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Values are made when the template reads them, so the error passes through the template's own frames.
    monkeypatch.setattr(values, "version_label", None)
    with pytest.raises(TypeError, match="not callable"):
        written("{% for entry in entries %}{{ entry.label | json }}{% endfor %}")
    monkeypatch.setattr(values, "Records", None)
    with pytest.raises(TypeError, match="not callable"):
        written("no service")
