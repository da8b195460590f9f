"""Rendered files: rendered once if there is room to keep them, and with the same bytes and digest if there is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import UsageError
from frostline.model import Finding, Lock
from frostline.outputs.base import Beside, Rendering, View
from frostline.outputs.yaml import output as yaml
from frostline.pipeline.compile import rendering
from frostline.pipeline.compile.assembling import contributions_of
from frostline.pipeline.compile.compiling import outputs_in_scope
from frostline.pipeline.compile.rendering import ByteBudget, CachedChunks, RegistryViews, Rendered, render_outputs
from frostline.pipeline.load.config import load_config
from frostline.settings import Config, OutputSettings

SERVICES = {"billing": "https://billing.example", "payments": {"v1": "https://payments.example"}}
YAML, SPLIT = {"type": "yaml", "path": "all.yaml"}, {"type": "yaml", "path": "split", "split": "service"}


class Counted:
    """Chunks that count how often they are rendered."""

    def __init__(self) -> None:
        self.rendered = 0

    def __iter__(self) -> Iterator[bytes]:
        self.rendered += 1
        yield from (b"abc", b"", b"defg")


@pytest.mark.parametrize(("budget", "times"), [(7, 1), (6, 3), (0, 3)])
def test_a_file_is_rendered_again_only_if_the_budget_is_too_small_for_it(budget: int, times: int) -> None:
    chunks, left = Counted(), ByteBudget(budget)
    cached = CachedChunks(chunks, left)
    assert [b"".join(cached) for _ in range(3)] == [b"abcdefg"] * 3
    assert chunks.rendered == times
    assert left.left == (0 if times == 1 else budget)


def test_the_cached_bytes_of_a_file_reduce_the_budget_of_all_files() -> None:
    budget = ByteBudget(10)
    files = [Counted(), Counted()]
    for chunks in files:
        cached = CachedChunks(chunks, budget)
        assert [b"".join(cached) for _ in range(2)] == [b"abcdefg"] * 2
    assert [chunks.rendered for chunks in files] == [1, 2]


def test_a_reader_that_stops_midway_keeps_nothing() -> None:
    cached = CachedChunks(Counted(), ByteBudget(100))
    assert next(iter(cached)) == b"abc"
    assert b"".join(cached) == b"abcdefg"


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., Config]:
    def config(*outputs: dict[str, Any]) -> Config:
        sources = {"partners": {"type": "static", "services": SERVICES}}
        text = json.dumps({"version": 1, "sources": sources, "outputs": outputs})
        (tmp_path / "frostline.yaml").write_text(text)
        return load_config(tmp_path / "frostline.yaml")

    return config


def render(config: Config, *, keep_bytes: bool = True) -> Rendered:
    views = RegistryViews(config, contributions_of(config, Lock()))
    return render_outputs(config, views, outputs_in_scope(config, ()), keep_bytes=keep_bytes)


@pytest.mark.parametrize("keep_bytes", [True, False])
def test_each_file_has_its_path_below_the_root_and_the_digest_of_its_bytes(
    configure: Callable[..., Config], keep_bytes: bool
) -> None:
    files = render(configure(YAML, SPLIT), keep_bytes=keep_bytes).files
    assert [(file.path, file.output) for file in files] == [
        ("all.yaml", "all.yaml"),
        ("split/billing.yaml", "split"),
        ("split/payments.yaml", "split"),
    ]
    assert [file.sha256 for file in files] == [sha256(b"".join(file.chunks)).hexdigest() for file in files]


@pytest.mark.parametrize(("most_kept", "times"), [(1 << 20, 1), (0, 2)])
def test_a_file_that_will_be_written_is_rendered_once_as_far_as_memory_allows(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, most_kept: int, times: int
) -> None:
    monkeypatch.setattr(rendering, "MOST_KEPT", most_kept)
    rendered = 0
    members = yaml._members

    def counted(*arguments: Any) -> Any:
        nonlocal rendered
        rendered += 1
        return members(*arguments)

    monkeypatch.setattr(yaml, "_members", counted)
    (file,) = render(configure(YAML)).files
    assert b"payments.example" in b"".join(file.chunks)
    assert rendered == times


def test_an_output_that_cannot_be_rendered_is_an_error_before_anything_is_compared(
    configure: Callable[..., Config], tmp_path: Path
) -> None:
    (tmp_path / "hosts.j2").write_text("{{ nothing.at.all }}")
    config = configure(YAML, {"type": "template", "template": "hosts.j2", "path": "hosts.txt"})
    with pytest.raises(UsageError, match="nothing"):
        render(config)


def test_an_output_sees_findings_about_its_services_and_about_those_in_no_output(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    besides: list[Beside] = []
    kept = yaml.render

    def spied(view: View, settings: OutputSettings) -> Rendering:
        besides.append(view.beside())
        return kept(view, settings)

    monkeypatch.setattr(yaml, "render", spied)
    selects = {"b.yaml": ["bill*"], "c.yaml": {"services": ["*"], "tags": ["nobody's"]}}
    config = configure(YAML, *({"type": "yaml", "path": path, "select": select} for path, select in selects.items()))
    places = (("billing", None), ("payments", "v1"), ("payments", "v2"), ("billing", "v9"), (None, None))
    found = [
        Finding(rule="r", message="m", service=service, version=version)
        for service, version in (*places, ("payments", None))
    ]
    views = RegistryViews(config, contributions_of(config, Lock()))
    pairs = [(finding, None) for finding in found]
    render_outputs(config, views, outputs_in_scope(config, ()), lambda: pairs, keep_bytes=False)
    of_all, of_billing, of_nothing = ([finding for finding, _ in beside.findings] for beside in besides)
    assert of_all == found
    assert of_billing == [found[0], found[3], found[4]]
    assert of_nothing == [found[2], found[3], found[4]]
