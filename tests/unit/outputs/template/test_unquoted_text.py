"""No text of the registry reaches the output unquoted, unless it is plain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from template_outputs import named, place, rendered

from frostline.errors import UsageError
from frostline.text import quote


def test_plain_values_need_no_filter(written: Callable[..., str]) -> None:
    registry = named(("az.AZ:09/_-@[]", "v1"))
    template = "{% for s in services %}{{ s.name }} {{ s.name ~ '; ' ~ s.versions[0].endpoints[0].port }}{% endfor %}"
    assert written(template, registry) == "az.AZ:09/_-@[] az.AZ:09/_-@[]; 8080"
    assert written("{{ 1 }} {{ -2 }} {{ 1.5 }} {{ '' }}{{ 'x' if false }}") == "1 -2 1.5 "


@pytest.mark.parametrize("character", [*" !\"#$%&'()*+,;<=>?\\^`{|}~\n\r\t\0\x7f\x85é\u0660\u2028"])
def test_any_other_character_stops_the_render(refusal: Callable[..., UsageError], character: str) -> None:
    error = refusal(
        "line\n{% for s in services %}\n  {{ s.name }}\n{% endfor %}", named((f"a{character}", "v1"), ("b", "v1"))
    )
    assert place(error) == ("main.j2", 3)
    what = f"{f'a{character}'!r} is written unquoted and contains {character!r}"
    assert error.message == f"the output `config`: service `a{character}`: {what}"
    assert "| nginx" in (error.help or "")


SMUGGLING = [
    "{{ n }}",
    "{{ n ~ ';' }}",
    "{{ '; ' ~ n }}",
    "{{ '; ' + n }}",
    "{{ n + '; ' }}",
    "{{ (n | json) + n }}",
    "{{ n + (n | json) }}",
    "{{ '%s;' % n }}",
    "{{ '%s;' | format(n) }}",
    "{{ ('%s' | json) % n }}",
    "{{ '{};'.format(n) }}",
    "{{ '{x};'.format_map({'x': n}) }}",
    "{{ ('{}' | json).format(n) }}",
    "{{ (('{}' | json) | attr('format'))(n) }}",
    "{{ ('{}' | json)['format'](n) }}",
    "{{ [n, n] | join('; ') }}",
    "{{ ['a', 'b'] | join(n) }}",
    "{{ '; '.join([n]) }}",
    "{{ [n] | first }}",
    "{{ n | default('; ') }}",
    "{{ none | default(n, true) }}",
    "{{ n | string }}",
    "{{ n | trim }}",
    "{{ n | indent }}",
    "{{ 'a' | indent(first=true, width=1) ~ n }}",
    "{{ n | upper }}",
    "{{ n | list | last }}",
    "{{ n | json | replace('\"', '') }}",
    "{{ n | json | trim('\"') }}",
    "{{ (n | json)[1:-1] }}",
    '{{ (n | shell).strip("\'") }}',
    "{{ 'X' | replace('X', n) }}",
    "{{ 'a b' | truncate(1, true, n, 0) }}",
    "{{ '; ' | center(50) ~ n }}",
    "{{ n | urlencode }}",
    "{{ n * 2 }}",
    "{{ cycler(n).next() }}",
    "{{ [joiner(n)] | map('string') | list }}",
    "{% set j = joiner(n) %}{{ j() }}{{ j() }}",
    "{% set x = n %}{{ x }}",
    "{% set x %}{{ n }}{% endset %}{{ x }}",
    "{% set x | replace('X', n) %}X{% endset %}{{ x }}",
    "{% with x = n %}{{ x }}{% endwith %}",
    "{% set ns = namespace(x='; ') %}{% set ns.x = ns.x ~ n %}{{ ns.x }}",
    "{% filter replace('X', n) %}X{% endfilter %}",
    "{% filter upper | replace('X', n) %}x{% endfilter %}",
    "{% macro m(x='; ') %}{{ x }}{% endmacro %}{{ m(n) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ n }}{% endcall %}",
    "{% macro m() %}{{ varargs | join }}{% endmacro %}{{ m(n) }}",
    "{% macro m() %}{{ kwargs.x }}{% endmacro %}{{ m(x=n) }}",
    "{% call '{}'.format(n) %}{% endcall %}",
    "{% call n.replace('', '') %}{% endcall %}",
    "{% macro m() %}{% call '{}'.format(n) %}{% endcall %}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% filter replace('X', n) %}X{% endfilter %}{% endmacro %}{{ m() }}",
    "{% block b %}{{ n }}{% endblock %}",
    "{% block b %}{{ services[0].name }}{% endblock %}{{ self.b() }}",
    "{% for c in [n] recursive %}{{ loop([c]) if loop.depth < 2 else c }}{% endfor %}",
    "{% for x in [n, n] %}{{ loop.cycle(n) }}{% endfor %}",
    "{% for x in [n, 'a'] %}{{ loop.previtem if not loop.first }}{% endfor %}",
    "{% for x in [[n]] %}{{ x }}{% endfor %}",
    "{{ {'x': n} }}",
    "{{ services }}",
    "{{ services[0] }}",
    "{{ n if true else '' }}",
    "{{ '' or n }}",
    "{{ n and n }}",
    "{{ [n] | map('upper') | join }}",
    "{{ [n] | sum(start='') }}",
    "{{ [[n]] | sum(start=[]) | first }}",
    "{{ [n] | batch(1) | first | first }}",
    "{{ [n] | max }}",
    "{{ services | map(attribute='name') | join('; ') }}",
    "{{ services | join('; ', attribute='name') }}",
    "{{ services | groupby('name') | first | first }}",
    "{{ services[0] | items | first | last }}",
    "{{ services[0] | dictsort | first | last }}",
    "{{ dict(x=n).x }}",
    "{% include 'part.j2' %}",
    "{% import 'part.j2' as part with context %}{{ part }}",
    "{% from 'macros.j2' import m %}{{ m(n) }}",
    "{% extends 'base.j2' %}{% block b %}{{ n }}{% endblock %}",
    "{% autoescape true %}{{ n }}{% endautoescape %}",
    "{% autoescape false %}{{ n }}{% endautoescape %}",
    "{{ n | safe }}",
    "{{ n | e }}",
    "{{ n | escape }}",
    "{{ n | forceescape }}",
    "{{ n | tojson }}",
    "{{ n | striptags }}",
    "{{ n | urlize }}",
    "{{ {'x': n} | xmlattr }}",
    "{{ n | pprint }}",
    "{{ n | wordwrap(1) }}",
    "{{ n | title }}",
    "{{ n.__class__ }}",
    "{{ n.__str__() }}",
    "{{ n.encode() }}",
    "{{ n.encode().decode() }}",
    "{{ nope | default(n) }}",
]


@pytest.mark.parametrize("template", SMUGGLING)
def test_no_way_leads_unquoted_text_into_the_output(refusal: Callable[..., UsageError], template: str) -> None:
    included = {
        "part": "{{ services[0].name }}",
        "macros": "{% macro m(x) %}{{ x }}{% endmacro %}",
        "base": "{% block b %}{% endblock %}",
    }
    if template.startswith("{% extends"):
        template = template.replace("{{ n }}", "{{ services[0].name }}")
    error = refusal("{% set n = services[0].name %}" + template, **included)
    assert place(error)[0] in {"main.j2", "part.j2", "macros.j2"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ n | json }}; {{ n | raw }}", '"x\\"; } $(evil) #"; x"; } $(evil) #'),
        ("{{ 'a = ' ~ (n | json) ~ ';' }}", 'a = "x\\"; } $(evil) #";'),
        ("{{ [n, 'b c'] | map('shell') | join(' ') }}", "'x\"; } $(evil) #' 'b c'"),
        ("{% set q = n | shell %}{{ q }}", "'x\"; } $(evil) #'"),
        ("{% set q %}[{{ n | shell }}];{% endset %}{{ q }}", "['x\"; } $(evil) #'];"),
        ("{% macro m(x) %}<{{ x | shell }}>{% endmacro %}{{ m(n) }}", "<'x\"; } $(evil) #'>"),
        ("{% macro m(x) %} [{{ caller() }}]{% endmacro %}{% call m(n) %}{{ n | shell }}{% endcall %}", None),
        ("{% filter indent(2) %}a\n[{{ n | shell }}]{% endfilter %}", "a\n  ['x\"; } $(evil) #']"),
        ("{% block b %}[{{ services[0].name | shell }}]{% endblock %}{{ self.b() }}", "['x\"; } $(evil) #']" * 2),
        ("{% for x in [[n]] recursive %}{{ loop(x) if x is not string else x | shell }}{% endfor %}", None),
        ("{% include 'part.j2' %}{% include 'part.j2' without context %}", "(a; )(a; )"),
        ("{% set sep = joiner(', ') %}{% for x in [1, 2] %}{{ sep() }}{{ x }}{% endfor %}", "1, 2"),
    ],
)
def test_quoted_text_may_go_any_way(written: Callable[..., str], template: str, text: str | None) -> None:
    made = written("{% set n = services[0].name %}" + template, part="({{ 'a; ' }})")
    assert made == text if text is not None else "'x\"; } $(evil) #'" in made


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=50, deadline=None)
def test_whatever_is_written_bare_is_plain(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    template = tmp_path_factory.getbasetemp() / "bare.j2"
    template.write_text("{% for s in services %}{{ s.name }}{% endfor %}")
    try:
        assert rendered(named((name, "v1")), template) == name
        assert all(character.isascii() and (character.isalnum() or character in ".:/_-@[]") for character in name)
    except UsageError as error:
        assert error.message.startswith(f"the output `config`: service {quote(name)}: ")
