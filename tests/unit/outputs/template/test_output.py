"""The `template` output: what a template is given, what it may write, and what its errors say."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Key, Registry, Upstream, registry_of
from frostline.outputs.base import Claim, View, artifact_folder, output_module
from frostline.outputs.template import values
from frostline.outputs.template.output import claims, inputs, render
from frostline.outputs.values import content_digest
from frostline.settings import OutputSettings
from frostline.text import quote

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "outputs" / "template"
ROUTER = ROOT / "samples" / "router" / "router.conf.j2"

EVIL = 'x"; } $(evil) #'


def output(template: Path | str) -> OutputSettings:
    return OutputSettings(
        name="config",
        type="template",
        path=Path("/srv/site/nginx/router.conf"),
        origin=FileOrigin("frostline.yaml"),
        options={"template": template},
    )


def rendered(registry: Registry, template: Path | str) -> str:
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    (artifact,) = render(view, output(template)).artifacts
    assert b"".join(artifact.chunks) == b"".join(artifact.chunks)
    return b"".join(artifact.chunks).decode()


def endpoint(address: str = "10.0.0.1", **fields: object) -> Endpoint:
    values = {"url": f"http://{address}:8080/v1", "address": address, "port": 8080, "source": "mesh"} | fields
    return Endpoint(**values)  # type: ignore[arg-type]


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def named(*keys: Key) -> Registry:
    return registry_of({key: entry(endpoint()) for key in keys})


def small_registry() -> Registry:
    full = endpoint(
        datacenter="dc1",
        namespace="ops",
        node="n1",
        id="Payments 1",
        tags=("api", "a'b"),
        meta={"b": "2", "a": '"'},
        weight=3,
    )
    entries: dict[Key, Entry] = {
        ("payments", "v1"): Entry(
            url=full.url, endpoints=(full, endpoint("fd00::1", weight=0, id="two")), sources=("mesh", "live")
        ),
        ("payments", None): entry(endpoint("host.example", port=0, url="https://host.example", id="three")),
        ("ledger", None): entry(),
        ('it\'s "€" \n', "v2"): entry(endpoint(id="four")),
    }
    upstream = Upstream(
        region="global",
        namespace="default",
        job="shop",
        group="web",
        destination="payments-v1",
        bind=Bind(address="127.0.0.1", port=9102),
    )
    dependency = Dependency(
        upstream=upstream, source="live", service="payments", version="v1", url="http://127.0.0.1:9102/v1"
    )
    return registry_of(entries, [dependency])


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """`written(template, registry, **included)`: what this template text makes of it."""

    def write(template: str, registry: Registry | None = None, **included: str) -> str:
        for name, text in {"main": template, **included}.items():
            (tmp_path / f"{name}.j2").write_text(text, encoding="utf-8")
        return rendered(named((EVIL, "v1")) if registry is None else registry, tmp_path / "main.j2")

    return write


@pytest.fixture
def refusal(written: Callable[..., str]) -> Callable[..., UsageError]:
    """The error of this template text."""

    def refused(template: str, registry: Registry | None = None, **included: str) -> UsageError:
        with pytest.raises(UsageError) as caught:
            written(template, registry, **included)
        return caught.value

    return refused


def place(error: UsageError) -> tuple[str, int]:
    assert isinstance(error.origin, FileOrigin)
    return Path(error.origin.path).name, error.origin.line


@pytest.mark.parametrize(
    ("template", "golden"), [(ROUTER, "router.conf"), (GOLDEN / "everything.j2", "everything.txt")]
)
def test_the_golden_template(template: Path, golden: str) -> None:
    assert rendered(small_registry(), template) == (GOLDEN / golden).read_text(encoding="utf-8")


def test_the_table_of_outputs_knows_it() -> None:
    assert output_module("template").render is render


def test_the_output_is_one_file_in_the_folder_of_its_path() -> None:
    settings = output(ROUTER)
    assert claims(settings) == (Claim(Path("/srv/site/nginx/router.conf")),)
    assert artifact_folder(settings) == Path("/srv/site/nginx")
    assert inputs(settings) == (Path(ROUTER),)
    view = View(registry=small_registry(), prefer=(), preferring=lambda _: small_registry())
    assert [artifact.path for artifact in render(view, settings).artifacts] == [PurePosixPath("router.conf")]


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    (tmp_path / "a.j2").write_text("x")
    assert rendered(named(), str(tmp_path / "a.j2")) == "x"


def test_the_template_s_own_text_is_written_as_it_is(written: Callable[..., str]) -> None:
    text = "; { } \" ' $ \\ \t é 😀 <>& \n\nlast"
    assert written(text) == text
    assert written("{{ '; { } <>&' }}{{ ', ' if true }}{{ '-; ' * 2 }}{{ 'a; ' + 'b; ' ~ 1 }}") == (
        "; { } <>&, -; -; a; b; 1"
    )
    assert written("x\n") == "x\n"
    assert written("{% raw %}{{ x }}{% endraw %}") == "{{ x }}"


def test_a_line_of_tags_leaves_no_line(written: Callable[..., str]) -> None:
    assert written("a\n  {% if true %}\nb\n  {% endif %}\n{# c #}\nd\n") == "a\nb\nd\n"


def test_a_byte_order_mark_is_no_part_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "a.j2").write_bytes(b"\xef\xbb\xbfx")
    assert rendered(named(), tmp_path / "a.j2") == "x"


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


@pytest.mark.parametrize("name", [name for name in dir(dict) if not name.startswith("_")])
@pytest.mark.parametrize(
    "read", ["e.meta[k]", "e.meta | attr(k)", "(e | attr('meta'))[k]", "([e.meta] | map(attribute=k) | first)"]
)
def test_a_key_that_is_missing_is_undefined_and_never_a_method(
    written: Callable[..., str], name: str, read: str
) -> None:
    template = f"{{% set e = services[0].versions[0].endpoints[0] %}}{{% set k = '{name}' %}}"
    template += f"{{{{ ({read} is defined) | json }}}} {{{{ {read} | default('none') }}}}"
    absent = registry_of({Key("x", None): entry(endpoint(meta={"a": "1"}))})
    present = registry_of({Key("x", None): entry(endpoint(meta={name: "1"}))})
    assert written(template, absent) == "false none"
    assert written(template, present) == "true 1"


MIXED = "[none, 'b', 2, 'A', ['x'], none, 1.5, 'a']"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        (f"{MIXED} | sort", '[null, null, 1.5, 2, "A", "a", "b", ["x"]]'),
        (f"{MIXED} | sort(reverse=true, case_sensitive=true)", '[["x"], "b", "a", "A", 2, 1.5, null, null]'),
        (f"{MIXED} | unique | list", '[null, "b", 2, "A", ["x"], 1.5]'),
        (f"{MIXED} | min", "null"),
        (f"{MIXED} | max", '["x"]'),
        ("[{'d': none}, {'d': 'b'}, {'d': 'a'}] | sort(attribute='d') | map(attribute='d') | list", '[null, "a", "b"]'),
        ("[{'d': {'x': 1}}, {'d': {}}] | unique(attribute='d') | list | count", "2"),
        ("{'b': none, 'a': 1, 'C': 'x'} | dictsort", '[["a", 1], ["b", null], ["C", "x"]]'),
        ("{'b': none, 'a': 1, 'C': 'x'} | dictsort(by='value')", '[["b", null], ["a", 1], ["C", "x"]]'),
        (
            "[{'d': 'B'}, {'d': none}, {'d': 'b'}] | groupby('d')",
            '[[null, [{"d": null}]], ["B", [{"d": "B"}, {"d": "b"}]]]',
        ),
        ("[{'d': 'B'}, {}] | groupby('d', default='x') | map(attribute='grouper') | list", '["B", "x"]'),
        (
            "[{'a': 1, 'b': none}, {'a': 1, 'b': 'x'}, {'a': none, 'b': 2}] | sort(attribute='a,b')"
            " | map(attribute='b') | list",
            '[2, null, "x"]',
        ),
    ],
)
def test_values_of_different_kinds_have_an_order(written: Callable[..., str], expression: str, result: str) -> None:
    assert written(f"{{{{ {expression} | json }}}}") == result


def test_endpoints_are_grouped_where_one_has_no_datacenter(written: Callable[..., str]) -> None:
    registry = registry_of({Key("x", None): entry(endpoint(datacenter="dc1"), endpoint("10.0.0.2"))})
    template = (
        "{% for dc, es in services[0].versions[0].endpoints | groupby('datacenter') %}"
        "{{ dc | json }} {{ es | map(attribute='address') | join(',') }};{% endfor %}"
    )
    assert written(template, registry) == 'null 10.0.0.2;"dc1" 10.0.0.1;'


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


@pytest.mark.parametrize(
    "name",
    ["../outside.j2", "/etc/passwd", "sub/../../outside.j2", "sub/../main.j2", "link.j2", "linked/outside.j2", ""],
)
@pytest.mark.parametrize("tag", ["include '{}'", "include '{}' ignore missing", "extends '{}'", "import '{}' as x"])
def test_no_template_is_read_outside_the_folder(
    refusal: Callable[..., UsageError], tmp_path: Path, name: str, tag: str
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "outside.j2").write_text("secret")
    (tmp_path.parent / "outside.j2").write_text("secret")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.j2").symlink_to(outside / "outside.j2")
    (tmp_path / "linked").symlink_to(outside)
    error = refusal("\n{% " + tag.format(name) + " %}")
    assert "outside the folder" in error.message
    assert place(error) == ("main.j2", 2)


def test_templates_of_the_folder_are_included(written: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.j2").write_text("{% include 'part.j2' %}")
    (tmp_path / "alias.j2").symlink_to("part.j2")
    assert written("{% include 'sub/b.j2' %}{% include 'alias.j2' %}", part="x") == "xx"
    assert written("a{% include 'none.j2' ignore missing %}b") == "ab"


def test_a_template_may_itself_be_a_link_to_another_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.j2").write_text("x")
    (tmp_path / "a.j2").symlink_to("store/a.j2")
    assert rendered(named(), tmp_path / "a.j2") == "x"


def test_a_template_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.j2").write_bytes(b"caf\xe9")
    (tmp_path / "folder.j2").mkdir()
    for name, message in {
        "none.j2": "there is no template ",
        "latin.j2": r"is not UTF-8: .* at byte 3",
        "folder.j2": r"cannot be read: Is a directory",
    }.items():
        with pytest.raises(UsageError, match=message) as caught:
            rendered(named(), tmp_path / name)
        assert place(caught.value) == (name, 1)


def test_the_services_are_a_list(written: Callable[..., str]) -> None:
    registry = named(("a", "v1"), ("b", None), ("b", "v2"), ("c", "v1"))
    template = (
        "{{ services | length }} {{ services[1].name }} {{ services[-1].name }} {{ 'yes' if services is sequence }}"
        " {{ services[:2] | map(attribute='name') | join('-') }}"
        " {{ services | selectattr('name', 'eq', 'c') | list | length }}"
    )
    assert written(template, registry) == "3 b c yes a-b 1"
    assert written("{% for s in services %}{{ s.name }}{{ '; ' if not loop.last }}{% endfor %}", registry) == "a; b; c"
    assert written(
        "{% for v in services[1].versions %}{{ v.version or '-' }}={{ v.label }} {% endfor %}", registry
    ) == ("-=unversioned v2=v2 ")


def test_an_empty_registry_is_a_template_without_services(written: Callable[..., str]) -> None:
    assert written("{% for s in services %}x{% else %}none{% endfor %}{{ upstreams | json }}", named()) == "none[]"


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_same_bytes_whatever_the_hash_seed_and_locale(seed: str) -> None:
    script = (
        "import runpy, sys\n"
        "tests = runpy.run_path(sys.argv[1])\n"
        "for template in (tests['ROUTER'], tests['GOLDEN'] / 'everything.j2'):\n"
        "    sys.stdout.buffer.write(tests['rendered'](tests['small_registry'](), template).encode())\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", script, __file__],
        cwd=ROOT,
        env=dict(os.environ) | {"PYTHONHASHSEED": seed, "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    ).stdout
    assert made == (GOLDEN / "router.conf").read_bytes() + (GOLDEN / "everything.txt").read_bytes()


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


def test_variables_and_the_output_are_given_as_they_are_written(tmp_path: Path) -> None:
    template = tmp_path / "a.j2"
    template.write_text("{{ vars.port + 1 }} {{ vars | json }} {{ output.path }} {{ output.name }} {{ vars.x.y[0] }}")
    variables = {"port": 80, "x": {"y": ["a", 1.5, None, True]}}
    options = {"template": str(template), "vars": variables, "path": "nginx/a.conf"}
    settings = replace(output(template), options=options)
    view = View(registry=named(), prefer=(), preferring=lambda _: named())
    (artifact,) = render(view, settings).artifacts
    assert b"".join(artifact.chunks).decode() == (
        '81 {"port": 80, "x": {"y": ["a", 1.5, null, true]}} nginx/a.conf config a'
    )


@pytest.mark.parametrize("text", ["{{ vars.nope }}", "{{ vars.text }}"])
def test_a_variable_is_quoted_like_any_other_value(tmp_path: Path, text: str) -> None:
    template = tmp_path / "a.j2"
    template.write_text(text)
    settings = replace(output(template), options={"template": str(template), "vars": {"text": "a; b"}})
    with pytest.raises(UsageError, match="there is no 'nope' here, only `text`|'a; b' is written unquoted"):
        render(View(registry=named(), prefer=(), preferring=lambda _: named()), settings)


def test_a_builtin_stands_in_the_place_of_a_template() -> None:
    settings = replace(output(""), options={"builtin": "hosts", "vars": {"domain": "internal"}})
    view = View(registry=small_registry(), prefer=(), preferring=lambda _: small_registry())
    (artifact,) = render(view, settings).artifacts
    assert b"10.0.0.1 payments-v1.internal\n" in b"".join(artifact.chunks)
    assert inputs(settings) == ()


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("['a', 'b'] is containing 'a'", "true"),
        ("['ab'] is containing 'a'", "false"),
        ("{'a': 1} is containing 'a'", "true"),
        ("services[0] is containing 'versions'", "true"),
        ("[[1]] is containing [1]", "true"),
        ("[{'t': ['x']}, {'t': []}] | selectattr('t', 'containing', 'x') | list | length", "1"),
        ("[{'t': ['x']}, {'t': []}] | rejectattr('t', 'containing', 'x') | list | length", "1"),
    ],
)
def test_a_list_contains_whole_items(written: Callable[..., str], expression: str, result: str) -> None:
    assert written(f"{{{{ ({expression}) | json }}}}") == result


@pytest.mark.parametrize("value", ["'abc'", "none", "1"])
def test_only_lists_contain_items(refusal: Callable[..., UsageError], value: str) -> None:
    assert refusal(f"{{{{ ({value} is containing 'a') | json }}}}").message.startswith(
        "the output `config`: `containing` tests a list, not"
    )


def test_names_that_collide_are_findings_of_the_output(tmp_path: Path) -> None:
    template = tmp_path / "a.j2"
    template.write_text("{% for entry in entries %}{{ entry.name | name('env') }} {% endfor %}")
    registry = named(("a-b", None), ("a", "b"), ("a_b", None))
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    rendering = render(view, output(template))
    assert b"".join(rendering.artifacts[0].chunks) == b"A_B A_B A_B "
    assert [finding.message for finding in rendering.findings] == [
        "`a/b` and `a-b` both have the name `a-b`",
        "`a-b` and `a_b` both become the name `A_B` (env)",
    ]


def split(template: Path, pattern: str, **options: object) -> OutputSettings:
    more = {"path": "conf", "split": pattern, **options}
    return replace(output(template), path=Path("/srv/site/conf"), options={"template": str(template), **more})


def test_a_split_output_has_a_file_for_each_entry_about_that_entry_alone(tmp_path: Path) -> None:
    template = tmp_path / "a.j2"
    template.write_text(
        "{{ entry.name | json }} {{ entries | length }} {{ services | map(attribute='name') | list | json }} "
        "{{ upstreams | length }} {{ output.path | json }} {{ entry.endpoints | map(attribute='key') | join(' ') }} "
        "{{ digest }}\n"
    )
    registry = small_registry()
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    settings = split(template, "{name}.txt")
    rendering = render(view, settings)
    assert rendering.findings == ()
    files = {str(one.path): b"".join(one.chunks).decode() for one in rendering.artifacts}
    assert list(files) == ["it%27s%20%22%E2%82%AC%22%20%0A-v2.txt", "ledger.txt", "payments.txt", "payments-v1.txt"]
    text, digest = files["payments-v1.txt"].rsplit(" ", 1)
    assert text == '"payments-v1" 1 ["payments"] 1 "conf/payments-v1.txt" 10_0_0_1_8080_2 fd00__1_8080'
    part = Registry(services={"payments": {"v1": registry.services["payments"]["v1"]}}, upstreams=registry.upstreams)
    assert digest == f"{content_digest(part)}\n"
    assert files["payments.txt"].startswith('"payments" 1 ["payments"] 0 "conf/payments.txt" host_example_443 ')
    assert claims(settings) == (Claim(Path("/srv/site/conf"), is_folder=True),)
    assert artifact_folder(settings) == Path("/srv/site/conf")


def test_names_are_told_apart_across_the_files_of_an_output(tmp_path: Path) -> None:
    template = tmp_path / "a.j2"
    template.write_text("{{ entry.service | name('env') }}")
    registry = named(("a-b", None), ("a_b", None))
    rendering = render(View(registry=registry, prefer=(), preferring=lambda _: registry), split(template, "{name}"))
    assert [finding.rule for finding in rendering.findings] == ["name-collision"]


@pytest.mark.parametrize("bad", ["{{ entry.nope }}", "{{ vars.x }}", "{{ 1 / 0 }}"])
def test_an_error_in_a_file_of_its_own_names_the_service(tmp_path: Path, bad: str) -> None:
    template = tmp_path / "a.j2"
    template.write_text(f"\n{bad}")
    registry = named(("shop", "v1"))
    with pytest.raises(UsageError, match="^the output `config`: service `shop/v1`: ") as caught:
        render(View(registry=registry, prefer=(), preferring=lambda _: registry), split(template, "{name}"))
    assert place(caught.value) == ("a.j2", 2)
