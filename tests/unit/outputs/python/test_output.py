"""The generated module: what it answers, that any text reads back, that its bytes are always the same."""

from __future__ import annotations

import ast
import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import python_registries
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from python_registries import (
    HOSTILE,
    endpoint,
    entry,
    hostile_registry,
    loaded,
    output,
    rendered,
    rendered_digest,
    small_registry,
)

from frostline.model import Endpoint, Key, Registry, registry_of
from frostline.outputs.base import Claim, View, artifact_folder, output_module
from frostline.outputs.python.output import claims, render
from frostline.outputs.values import content_digest
from frostline.text import escape_control

GOLDEN = Path(__file__).parents[3] / "golden" / "outputs" / "python"

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text("'\"\\\n\t-*{}u0", max_size=8),
)


def assert_reads_back(registry: Registry) -> None:
    module = loaded(registry)
    for (service, version), expected in registry.entries():
        if expected.declared:
            with pytest.raises(module.NoEndpoint):
                module.url(service, version)
            continue
        assert module.url(service, version) == module.find(service, version) == expected.url
        assert module.ENDPOINTS[service, version] == expected.url
        assert module.urls(service, version) == tuple(dict.fromkeys(endpoint.url for endpoint in expected.endpoints))
        assert module.find_instances(service, version) == module.instances(service, version)
        assert module.find_one(service, version, "k") == module.pick(service, version, "k")
        assert module.auth(service, version) == expected.auth
        assert [tuple(instance) for instance in module.instances(service, version)] == [
            (
                endpoint.url,
                endpoint.address,
                endpoint.port,
                endpoint.datacenter or None,
                endpoint.tags,
                endpoint.meta,
                endpoint.weight,
            )
            for endpoint in expected.endpoints
        ]
    assert module.services() == {service: tuple(versions) for service, versions in registry.services.items()}
    # A fresh module: the order and content of a first, whole read.
    callable_ones = [(key, found.url) for key, found in registry.entries() if not found.declared]
    assert list(loaded(registry).ENDPOINTS.items()) == callable_ones
    assert content_digest(registry) == module.DIGEST


def finders(module: Any) -> tuple[Any, ...]:
    """Its functions for names that are known only at run time."""
    return module.find, module.find_instances, module.find_one


@pytest.fixture(scope="module")
def small() -> Any:
    return loaded(small_registry())


@pytest.mark.parametrize("name", ["registry.py", "registry.pyi"])
def test_the_golden_registry(name: str) -> None:
    assert rendered(small_registry())[name].decode() == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_table_of_outputs_knows_it() -> None:
    assert output_module("python").render is render


def test_a_small_registry_reads_back() -> None:
    assert_reads_back(small_registry())


def test_hostile_texts_read_back_unchanged_wherever_they_stand() -> None:
    assert_reads_back(hostile_registry())


def test_an_empty_registry_knows_nothing() -> None:
    module = loaded(registry_of({}))
    assert_reads_back(registry_of({}))
    assert (dict(module.ENDPOINTS), dict(module.services())) == ({}, {})
    with pytest.raises(module.UnknownService, match=r"^no service 'payments'$"):
        module.url("payments")


keys = st.tuples(texts, st.none() | texts)
endpoints = st.builds(
    endpoint,
    texts,
    texts,
    st.integers(0, 65535),
    datacenter=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=3),
    weight=st.integers(0, 65535),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, st.lists(endpoints, max_size=3), max_size=6), st.data())
def test_any_registry_reads_back_unchanged(found: Mapping[Key, list[Endpoint]], data: st.DataObject) -> None:
    entries = {
        key: entry(*some, url=data.draw(st.sampled_from(some)).url if some else None) for key, some in found.items()
    }
    assert_reads_back(registry_of(entries))


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.text("ab-\t", max_size=3), st.none() | st.text("ab-\t", max_size=2)), max_size=40), keys)
def test_what_is_not_in_it_is_unknown(known: set[Key], asked: Key) -> None:
    module = loaded(registry_of({key: entry(endpoint("http://x")) for key in known if key != asked}))
    assert asked not in module.ENDPOINTS
    with pytest.raises(module.UnknownService):
        module.url(*asked)


def test_its_text_has_nothing_that_reviewers_or_line_readers_take_for_something_else() -> None:
    text = rendered(hostile_registry())["registry.py"].decode()
    assert len(text.splitlines()) == text.count("\n")
    assert all(escape_control(line.replace("\t", "")) == line.replace("\t", "") for line in text.split("\n"))


def test_no_data_reaches_the_lines_where_python_looks_for_an_encoding() -> None:
    first = [rendered(registry)["registry.py"].split(b"\n")[:2] for registry in (hostile_registry(), registry_of({}))]
    assert first[0] == first[1]
    assert b"coding" not in b"".join(first[0])


def test_one_endpoint_is_one_line() -> None:
    before, after = hostile_registry(), hostile_registry()
    entries = dict(after.entries()) | {("zzz", "v1"): entry(endpoint("http://x"))}
    lines = [set(rendered(one)["registry.py"].split(b"\n")) for one in (before, registry_of(entries))]
    added = {line for line in lines[1] - lines[0] if not line.startswith(b"DIGEST")}
    assert added == {b"zzz\tv1\t*\thttp://x\t10.0.0.1\t8080\t\t1"}


def test_it_is_python_3_9_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(rendered(small_registry())["registry.py"], feature_version=(3, 9))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= sys.stdlib_module_names | {"collections.abc"}


def test_it_says_who_made_it_and_nothing_of_when_or_where() -> None:
    text = rendered(small_registry())["registry.py"].decode()
    assert text.startswith("# Generated by frostline; do not edit")
    assert str(Path.cwd()) not in text


@pytest.mark.parametrize("environment", [{"LANG": "C", "LC_ALL": "C"}, {"LC_ALL": "tr_TR.UTF-8"}, {"PYTHONUTF8": "0"}])
def test_a_program_without_site_packages_reads_it_in_any_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    for name, content in rendered(hostile_registry()).items():
        (tmp_path / name).write_bytes(content)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import registry\n"
        "print(ascii([(one, registry.instances(*one)[0].tags[0]) for one in registry.ENDPOINTS]))"
    )
    command = [sys.executable, "-S", "-B", "-c", script, str(tmp_path)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    known = [(key, found.endpoints[0].tags[0]) for key, found in hostile_registry().entries() if found.endpoints]
    assert ast.literal_eval(done.stdout) == known


def test_every_hash_seed_gives_the_same_bytes() -> None:
    script = f"import runpy; print(runpy.run_path({python_registries.__file__!r})['rendered_digest']())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert digests == {rendered_digest().encode() + b"\n"}


def test_chunks_give_the_same_bytes_again() -> None:
    registry = small_registry()
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    for artifact in render(view, output()).artifacts:
        assert b"".join(artifact.chunks) == b"".join(artifact.chunks)


def test_the_output_claims_the_module_and_its_stub() -> None:
    assert claims(output()) == (Claim(Path("/srv/app/registry.py")), Claim(Path("/srv/app/registry.pyi")))
    assert artifact_folder(output()) == Path("/srv/app")


def test_the_url_is_the_chosen_one_and_not_the_first(small: Any) -> None:
    assert small.url("payments", "v1") == "http://10.0.0.2:8080/v1" != small.urls("payments", "v1")[0]


def test_an_entry_whose_url_is_none_of_its_endpoints_is_no_module() -> None:
    with pytest.raises(ValueError, match="not in list"):
        rendered(registry_of({("a", None): entry(endpoint("http://x"), url="http://y")}))


def test_an_instance_says_all_of_itself(small: Any) -> None:
    one, two, far = small.instances("payments", "v1")
    assert (one.url, one.address, one.port, one.datacenter) == ("http://10.0.0.1:8080/v1", "10.0.0.1", 8080, "dc1")
    assert (one.tags, one.meta, one.weight) == (("api", "http"), {"owner": "shop"}, 10)
    assert (two.tags, two.meta, far.datacenter) == ((), {}, "dc2")
    assert small.instances("billing")[0].datacenter is None


def test_endpoints_is_a_mapping_that_equals_the_dict(small: Any) -> None:
    expected = {key: found.url for key, found in small_registry().entries() if found.endpoints}
    assert isinstance(small.ENDPOINTS, Mapping)
    assert expected == small.ENDPOINTS
    assert (len(small.ENDPOINTS), list(small.ENDPOINTS), dict(small.ENDPOINTS)) == (
        len(expected),
        list(expected),
        expected,
    )
    assert ("payments", "v1") in small.ENDPOINTS
    assert ("ledger", None) not in small.ENDPOINTS
    assert small.ENDPOINTS.get(("payments", "v9"), "none") == "none"


@pytest.mark.parametrize("key", ["payments", ("payments",), ("payments", "v1", "x"), ("payments", 1), (1, None), None])
def test_what_is_no_key_is_not_in_endpoints(small: Any, key: object) -> None:
    assert key not in small.ENDPOINTS
    with pytest.raises(KeyError):
        small.ENDPOINTS[key]


def test_nothing_that_it_answers_can_be_changed(small: Any) -> None:
    one = small.instances("payments", "v1")[0]
    for change in (
        lambda: small.ENDPOINTS.__setitem__(("x", None), "y"),
        lambda: setattr(small.ENDPOINTS, "x", "y"),
        lambda: one.meta.__setitem__("x", "y"),
        lambda: setattr(one, "url", "y"),
        lambda: small.services().__setitem__("x", ()),
    ):
        with pytest.raises((AttributeError, TypeError)):
            change()
    assert len({one, copy.deepcopy(one)}) == 1


def test_endpoints_and_instances_can_be_pickled_and_copied(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "registry", small)
    assert pickle.loads(pickle.dumps(small.ENDPOINTS)) is small.ENDPOINTS
    assert copy.deepcopy(small.ENDPOINTS) is copy.copy(small.ENDPOINTS) is small.ENDPOINTS
    assert pickle.loads(pickle.dumps(small.instances("payments", "v1"))) == small.instances("payments", "v1")
    assert pickle.loads(pickle.dumps(small.services())) == small.services()
    error = pickle.loads(pickle.dumps(small.UnknownService("payments", "v9")))
    assert (error.service, error.version, str(error)) == (
        "payments",
        "v9",
        str(small.UnknownService("payments", "v9")),
    )


def test_its_repr_is_short() -> None:
    module = loaded(hostile_registry())
    assert repr(module.ENDPOINTS) == f"<ENDPOINTS of registry: {2 * len(set(HOSTILE))}, {module.DIGEST}>"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("paymets",), "no service 'paymets': did you mean 'payments'?"),
        (("payments-v1",), "no service 'payments-v1': did you mean 'payments'?"),
        (("PAYMENTS",), "no service 'PAYMENTS': did you mean 'payments'?"),
        (("seacrh", "v1"), "no service 'seacrh' version 'v1': did you mean 'search'?"),
        (("payments", "v4"), "service 'payments' has no version 'v4'; available versions: 'v1', 'v2', 'v3'"),
        (("payments",), "service 'payments' needs a version; available versions: 'v1', 'v2', 'v3'"),
        (("billing", "v1"), "service 'billing' has no version 'v1'; available versions: None (unversioned)"),
        (("\x1b[31m\n",), "no service '\\x1b[31m\\n'"),
    ],
)
def test_an_unknown_service_names_the_closest(small: Any, asked: tuple[str, ...], message: str) -> None:
    for ask in (small.url, small.urls, small.instances, small.pick, small.auth, *finders(small)):
        with pytest.raises(small.UnknownService) as caught:
            ask(*asked)
        assert isinstance(caught.value, KeyError)
        assert not isinstance(caught.value, small.NoEndpoint)
        assert str(caught.value) == message


def test_an_unknown_service_is_first_of_all_one_in_another_case() -> None:
    module = loaded(registry_of({(name, None): entry(endpoint("http://x")) for name in ("USER", "User", "users")}))
    with pytest.raises(module.UnknownService) as caught:
        module.url("user")
    assert str(caught.value) == "no service 'user': did you mean 'USER' or 'User'?"


def test_two_endpoints_of_one_url_are_two_instances_and_one_url() -> None:
    twins = (endpoint("http://x", tags=("tcp",), weight=1), endpoint("http://x", tags=("udp",), weight=3))
    module = loaded(registry_of({("dns", None): entry(*twins)}))
    assert [(one.tags, one.weight) for one in module.instances("dns")] == [(("tcp",), 1), (("udp",), 3)]
    assert module.urls("dns") == ("http://x",)
    assert module.url("dns") == module.ENDPOINTS["dns", None] == module.pick("dns", key="k").url == "http://x"
    assert {module.pick("dns").tags for _ in range(200)} == {("tcp",), ("udp",)}


def test_an_unknown_service_suggests_every_close_name() -> None:
    module = loaded(registry_of({(name, None): entry(endpoint("http://x")) for name in ("cart-eu", "cart-us", "shop")}))
    with pytest.raises(module.UnknownService) as caught:
        module.url("cart-e")
    assert str(caught.value) == "no service 'cart-e': did you mean 'cart-eu' or 'cart-us'?"


def test_of_many_versions_the_closest_are_named_or_the_first_where_none_is_asked_for() -> None:
    module = loaded(registry_of({("a", f"v{number}.0"): entry(endpoint("http://x")) for number in range(10, 90)}))
    with pytest.raises(module.UnknownService, match=r"; closest versions: 'v42\.0'(, '[^']+'){4}$"):
        module.url("a", "v42")
    with pytest.raises(module.UnknownService) as caught:
        module.url("a")
    assert str(caught.value) == (
        "service 'a' needs a version; available versions: 'v10.0', 'v11.0', 'v12.0', 'v13.0', 'v14.0' and 75 more"
    )


@pytest.mark.parametrize("asked", [("ledger",), ("payments", "v3")])
def test_a_service_with_nothing_to_call_says_so(small: Any, asked: tuple[str, ...]) -> None:
    for ask in (small.url, small.urls, small.instances, small.pick, *finders(small)):
        with pytest.raises(small.NoEndpoint, match=r"^service '\w+'.* is known, but had no endpoint"):
            ask(*asked)


def test_services_names_all_with_their_versions(small: Any) -> None:
    assert small.services()["payments"] == ("v1", "v2", "v3")
    assert small.services()["ledger"] == (None,)
    assert small.services()["mixed"] == (None, "v1")
    assert "paymets" not in small.services()


def test_auth_is_known_of_what_names_it() -> None:
    entries = dict(small_registry().entries())
    for key, auth in {
        ("payments", "v1"): "hmac-2",
        ("it's", "v1"): "b",
        ("ledger", None): "c",
        ("mixed", None): "d",
    }.items():
        entries[Key(*key)] = replace(entries[Key(*key)], auth=auth)
    module = loaded(registry_of(entries))
    assert [module.auth("payments", "v1"), module.auth("it's", "v1"), module.auth("ledger"), module.auth("mixed")] == [
        *("hmac-2", "b", "c", "d")
    ]
    assert [module.auth("payments", "v2"), module.auth("mixed", "v1")] == [None, None]


def test_threads_that_ask_first_get_the_same() -> None:
    registry = hostile_registry()
    asked = [key for key, found in registry.entries() if found.endpoints]
    module = loaded(registry)
    answers: list[object] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        answers.append(
            (
                [module.url(*key) for key in asked],
                len(module.ENDPOINTS),
                module.services(),
                [module.instances(*key) for key in asked],
            )
        )

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)
