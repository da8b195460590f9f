"""The Puppet module: its golden files, its name everywhere in it, and what a configuration may say of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from frostline.model import Endpoint, Entry, FileOrigin, Registry, registry_of
from frostline.outputs.base import Claim, View, artifact_folder, output_module
from frostline.outputs.hiera.output import render as render_hiera
from frostline.outputs.puppet_module.output import claims, render
from frostline.resources import resource_folder
from frostline.settings import OutputSettings

GOLDEN = Path(__file__).parents[3] / "golden" / "outputs" / "puppet_module"
PLACE = FileOrigin("frostline.yaml", 9, 5)


def entry(*endpoints: Endpoint, prefer: tuple[str, ...] = ()) -> Entry:
    chosen = min(endpoints, key=lambda point: point.datacenter not in prefer, default=None)
    return Entry(url=chosen.url if chosen else None, endpoints=endpoints, sources=("mesh",))


def view_of(registry: Registry) -> View:
    def preferring(datacenters: tuple[str, ...]) -> Registry:
        return registry_of({key: entry(*found.endpoints, prefer=datacenters[:1]) for key, found in registry.entries()})

    return View(registry=registry, prefer=(), preferring=preferring)


def small_registry() -> Registry:
    near = Endpoint(url="http://a/v1", address="a", port=80, source="mesh", datacenter="dc1", tags=("%{x}",))
    far = Endpoint(url="http://b/v1", address="b", port=80, source="mesh", datacenter="dc2")
    return registry_of({("it's", None): entry(), ("payments", "v1"): entry(near, far)})


def output(path: str = "/srv/modules/frostline", **options: Any) -> OutputSettings:
    return OutputSettings(name="m", type="puppet-module", path=Path(path), origin=PLACE, options=options)


def rendered(settings: OutputSettings) -> dict[str, str]:
    rendering = render(view_of(small_registry()), settings)
    assert rendering.findings == ()
    return {str(artifact.path): b"".join(artifact.chunks).decode() for artifact in rendering.artifacts}


CASES = {
    "plain": output(),
    "named": output(
        module="acme-shop_registry",
        module_version="1.2.3-rc.1",
        format="yaml",
        layers=["datacenter"],
        fact="trusted.extensions.pp_datacenter",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_golden_module(case: str) -> None:
    root = GOLDEN / case
    files = rendered(CASES[case])
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    assert files == {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


def test_the_table_of_outputs_knows_it() -> None:
    assert output_module("puppet-module").render is render


def test_every_file_of_the_template_is_in_the_module() -> None:
    root = resource_folder("templates") / "puppet_module"
    templates = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert rendered(output()).keys() - templates == {"metadata.json", "hiera.yaml", "data/common.json"}
    assert templates <= rendered(output()).keys()


def test_a_module_of_another_name_has_nothing_in_the_namespace_of_frostline() -> None:
    for path, text in rendered(CASES["named"]).items():
        assert "rostline::" not in text, path
    assert "function shop_registry::url(" in rendered(CASES["named"])["functions/url.pp"]
    assert "type Shop_registry::Entry = " in rendered(CASES["named"])["types/entry.pp"]


def test_the_data_is_that_of_the_output_hiera_under_the_modules_name() -> None:
    hiera = output(format="yaml", layers=["datacenter"])
    rendering = render_hiera(view_of(small_registry()), hiera)
    theirs = {str(artifact.path): b"".join(artifact.chunks).decode() for artifact in rendering.artifacts}
    ours = rendered(hiera)
    for path in ("common.yaml", "datacenter/dc2.yaml"):
        assert ours[f"data/{path}"] == theirs[path]
        assert rendered(CASES["named"])[f"data/{path}"] == theirs[path].replace("frostline::", "shop_registry::")


def test_the_name_is_the_last_part_of_the_path_by_default() -> None:
    metadata = json.loads(rendered(output("/srv/modules/shops"))["metadata.json"])
    assert (metadata["name"], metadata["version"]) == ("frostline-shops", "0.0.0")
    assert "shops::index" in rendered(output("/srv/modules/shops"))["data/common.json"]


def test_the_module_claims_its_folder() -> None:
    assert claims(output()) == (Claim(Path("/srv/modules/frostline"), is_folder=True),)
    assert artifact_folder(output()) == Path("/srv/modules/frostline")


def test_chunks_give_the_same_bytes_again() -> None:
    artifacts = render(view_of(small_registry()), CASES["named"]).artifacts
    assert [b"".join(artifact.chunks) for artifact in artifacts] == [
        b"".join(artifact.chunks) for artifact in artifacts
    ]
