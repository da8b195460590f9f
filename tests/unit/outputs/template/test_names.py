"""The filter `name`: what each place takes, and what two texts must not become."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import FileOrigin
from frostline.outputs.template.names import PLACES, Names
from frostline.outputs.template.text import TemplateFault

PLACE = FileOrigin("frostline.yaml", 3, 5)

FORMS = {
    "ansible": "[A-Za-z_][A-Za-z0-9_]*",
    "dns": "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "env": "[A-Z_][A-Z0-9_]*",
    "go": "[A-Z][A-Za-z0-9_]*",
    "haproxy": "[A-Za-z0-9_.:-]+",
    "hcl": "[A-Za-z_][A-Za-z0-9_-]*",
    "java": "[A-Za-z_][A-Za-z0-9_]*",
    "javascript": "[A-Za-z_][A-Za-z0-9_]*",
    "kubernetes": "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "nginx": "[a-z0-9_][a-z0-9_.-]*",
    "prometheus": "(?!__)[A-Za-z_][A-Za-z0-9_]*|__meta_[A-Za-z0-9_]*",
    "python": "[A-Za-z_][A-Za-z0-9_]*",
    "traefik": "[A-Za-z0-9_][A-Za-z0-9_-]*",
}

MADE = [
    ("user-v1", "ansible", "user_v1"),
    ("all", "ansible", "all_"),
    ("localhost", "ansible", "localhost_"),
    ("User.v1", "dns", "user-v1"),
    ("-a-", "dns", "a"),
    ("10_0_0_1_80", "dns", "10-0-0-1-80"),
    ("a" * 70, "dns", f"{'a' * 54}-6bd5e503"),
    ("a" * 53 + "-" * 20, "dns", "a" * 53),
    ("user-v1", "env", "USER_V1"),
    ("1st", "env", "_1ST"),
    ("user-v1", "go", "UserV1"),
    ("user_service.v1", "go", "UserServiceV1"),
    ("10.0.0.1", "go", "X10_0_0_1"),
    ("type", "go", "Type"),
    ("user@v1", "haproxy", "user_v1"),
    ("10.0.0.1:80", "haproxy", "10.0.0.1:80"),
    ("user-v1", "hcl", "user-v1"),
    ("1st", "hcl", "_1st"),
    ("null", "hcl", "null_"),
    ("class", "java", "class_"),
    ("enum", "javascript", "enum_"),
    ("1st", "kubernetes", "x-1st"),
    ("User V1", "nginx", "user_v1"),
    (".a", "nginx", "_.a"),
    ("user-v1", "prometheus", "user_v1"),
    ("__address__", "prometheus", "_address__"),
    ("__meta_consul_tag", "prometheus", "__meta_consul_tag"),
    ("import", "python", "import_"),
    ("a@b", "traefik", "a-b"),
    ("-a", "traefik", "x-a"),
]


@pytest.mark.parametrize(("text", "place", "name"), MADE)
def test_a_name_is_what_its_place_takes(text: str, place: str, name: str) -> None:
    assert Names().name(text, place) == name
    assert re.fullmatch(FORMS[place], name)


@given(st.sampled_from(sorted(PLACES)), st.text(min_size=1))
@settings(max_examples=120, deadline=None)
def test_any_text_becomes_a_name_of_the_place_and_always_the_same(place: str, text: str) -> None:
    name = Names().name(text, place)
    assert re.fullmatch(FORMS[place], name)
    assert Names().name(text, place) == name
    if place == "python":
        ast.parse(f"{name} = 1")


@given(st.sampled_from(sorted(PLACES)), st.lists(st.text("aA1_-.é", min_size=1, max_size=3), unique=True))
@settings(max_examples=80, deadline=None)
def test_whatever_becomes_one_name_is_a_finding(place: str, texts: list[str]) -> None:
    names = Names()
    made = [names.name(text, place) for text in texts + texts]
    assert bool(list(names.findings(PLACE))) == (len(set(made)) < len(texts))


def test_a_collision_names_both_texts_the_name_and_the_place() -> None:
    found = []
    for texts in (["user_v1", "user-v1", "user-v1"], ["user-v1", "user_v1"]):
        names = Names()
        for text in texts:
            names.name(text, "env")
        found += names.findings(PLACE)
    assert found[0] == found[1]
    assert len(found) == 2
    assert found[0].rule == "name-collision"
    assert found[0].message == "`user-v1` and `user_v1` both become the name `USER_V1` (env)"
    assert (found[0].value, found[0].origin, found[0].severity) == ("USER_V1", PLACE, "error")


def test_names_of_different_places_or_bounds_do_not_collide() -> None:
    names = Names()
    for text, place, within in (("a-b", "env", ""), ("a_b", "python", ""), ("a_b", "env", "x"), ("a.b", "env", "y")):
        names.name(text, place, within)
    assert not list(names.findings(PLACE))
    names.name("a-b", "env", "y")
    assert len(list(names.findings(PLACE))) == 1


@pytest.mark.parametrize(
    ("value", "place", "message", "help_text"),
    [
        ("a", "dsn", "no names are made for `dsn`", "did you mean `dns`?"),
        ("a", "x", "no names are made for `x`", "the places are `ansible`, "),
        ("", "dns", "an empty text cannot become a name", ""),
        (None, "dns", "none cannot be made a name as text", ""),
        ([], "dns", "a list cannot be made a name as text", ""),
    ],
)
def test_what_can_not_be_a_name_is_refused(value: object, place: str, message: str, help_text: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        Names().name(value, place)
    assert caught.value.message == message
    assert (caught.value.help or "").startswith(help_text)


def test_every_place_has_its_form() -> None:
    assert set(FORMS) == set(PLACES)
