"""The `template` output: what a template is given, and what it may read and write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
import template_outputs
from msgspec.structs import replace
from template_outputs import GOLDEN, ROOT, ROUTER, endpoint, entry, named, output, place, rendered, small_registry

from frostline.errors import UsageError
from frostline.model import Key, Registry, registry_of
from frostline.outputs.base import Claim, View, artifact_folder, output_module
from frostline.outputs.template.output import claims, inputs, render
from frostline.outputs.values import content_digest
from frostline.settings import OutputSettings


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
        [sys.executable, "-c", script, template_outputs.__file__],
        cwd=ROOT,
        env=dict(os.environ) | {"PYTHONHASHSEED": seed, "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    ).stdout
    assert made == (GOLDEN / "router.conf").read_bytes() + (GOLDEN / "everything.txt").read_bytes()


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
