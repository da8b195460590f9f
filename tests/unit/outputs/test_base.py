"""What an output is: the table, what stands in for what a module lacks, and the view."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frostline.model import Endpoint, Entry, FileOrigin, Key, registry_of
from frostline.outputs import base
from frostline.outputs.base import (
    TABLE,
    Claim,
    View,
    artifact_folder,
    claims_of,
    inputs_of,
    output_module,
    output_types,
)
from frostline.outputs.values import content_digest
from frostline.settings import OutputSettings

ENDPOINT = Endpoint(url="http://x", address="x", port=1, source="mesh", id="x-1")
REGISTRY = registry_of({Key("a", None): Entry(url=ENDPOINT.url, endpoints=(ENDPOINT,), sources=("mesh",))})


def settings(type_name: str, path: str = "/srv/app/registry.py") -> OutputSettings:
    return OutputSettings(name="o", type=type_name, path=Path(path), origin=FileOrigin("frostline.yaml"))


@pytest.mark.parametrize("type_name", TABLE)
def test_every_output_of_the_table_has_the_whole_protocol(type_name: str) -> None:
    module = output_module(type_name)
    for name in ("SCHEMA", "configure", "claims", "render"):
        assert hasattr(module, name), name


def test_the_types_are_sorted_and_have_those_of_other_packages(install_entries: Any) -> None:
    install_entries(outputs={"dns": {"NEEDS_ADDRESSES": True}})
    assert output_types() == ("dns", "hiera", "page", "puppet-module", "python", "template", "yaml")
    assert output_module("dns").NEEDS_ADDRESSES is True


def test_an_unknown_type_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="pyton"):
        output_module("pyton")


def test_a_module_with_render_alone_writes_its_path_and_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "output_module", lambda type_name: SimpleNamespace())
    plain = settings("dns", "/srv/dns/hosts")
    assert claims_of(plain) == (Claim(Path("/srv/dns/hosts")),)
    assert inputs_of(plain) == ()
    assert artifact_folder(plain) == Path("/srv/dns")


def test_artifacts_lie_in_the_path_itself_where_it_is_claimed_as_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = (Claim(Path("/srv/dns"), is_folder=True), Claim(Path("/srv/dns.txt")))
    monkeypatch.setattr(base, "output_module", lambda type_name: SimpleNamespace(claims=lambda settings: claims))
    assert claims_of(settings("dns", "/srv/dns")) == claims
    assert artifact_folder(settings("dns", "/srv/dns")) == Path("/srv/dns")
    assert artifact_folder(settings("dns", "/srv/dns.txt")) == Path("/srv")


def test_a_view_computes_each_digest_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def counted(registry: object, fields: tuple[str, ...]) -> str:
        asked.append(fields)
        return content_digest(REGISTRY, fields)

    monkeypatch.setattr(base, "content_digest", counted)
    view = View(registry=REGISTRY, prefer=(), preferring=lambda _: REGISTRY)
    assert view.digest() == view.digest() == content_digest(REGISTRY)
    assert view.digest(("id",)) == content_digest(REGISTRY, ("id",)) != view.digest()
    assert asked == [(), ("id",)]
    View(registry=REGISTRY, prefer=(), preferring=lambda _: REGISTRY).digest()
    assert asked == [(), ("id",), ()]
