"""What each output sees of the registry, and the files that it makes of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, partial

from msgspec import Struct
from msgspec.structs import replace

from frostline.events import report_progress, stage
from frostline.files.names import is_possible_on_windows
from frostline.files.targets import digest_of_chunks
from frostline.globs import matches
from frostline.keys import key_text
from frostline.model import Contribution, Finding, Registry
from frostline.outputs.base import View, artifact_folder, needs_addresses, output_module, view_for
from frostline.pipeline.file_rules import EMPTY_OUTPUT, NO_ADDRESS, UNPORTABLE_PATH
from frostline.pipeline.freeze import names_only_sources
from frostline.publish.ownership import DesiredFile
from frostline.registry.assembling import assemble, with_prefer
from frostline.registry.consumers import consumer_view
from frostline.registry.output_select import selected
from frostline.registry.overriding import Overridden, apply_overrides
from frostline.settings import Config, OutputSelect, OutputSettings
from frostline.text import list_names, name_first

MOST_KEPT = 1 << 28
"""Bytes of rendered files that one run keeps in memory; what is more is rendered again when it is written."""


class ByteBudget(Struct):
    """How many bytes may still be kept."""

    left: int = MOST_KEPT


class CachedChunks:
    """The bytes of a file, rendered once and kept if the budget allows, else rendered whenever they are asked for."""

    def __init__(self, chunks: Iterable[bytes], budget: ByteBudget) -> None:
        self._chunks = chunks
        self._budget = budget
        self._kept: tuple[bytes, ...] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._kept is not None:
            yield from self._kept
            return
        keeping: list[bytes] = []
        size = 0
        for chunk in self._chunks:
            size += len(chunk)
            if size <= self._budget.left:
                keeping.append(chunk)
            else:
                keeping.clear()
            yield chunk
        if size <= self._budget.left:
            self._budget.left -= size
            self._kept = tuple(keeping)


class OutputView(Struct, frozen=True):
    """What one output sees of the registry, and what is wrong with it."""

    view: View
    findings: tuple[Finding, ...]


class RegistryViews:
    """The registry as outputs see it; those that see the same share it."""

    def __init__(self, config: Config, contributions: Sequence[Contribution]) -> None:
        self._config = config
        self._contributions = contributions
        self._names_only = names_only_sources(config)
        self.overridden = cache(self._overridden)
        self._shared_view = cache(self._view_of)

    def _overridden(self, sources: tuple[str, ...], prefer: tuple[str, ...]) -> tuple[Overridden, tuple[Finding, ...]]:
        """The registry of these sources, () for all, so that precedence is decided among them; then the overrides."""
        chosen = [bringer for bringer in self._contributions if not sources or bringer.source in sources]
        registry, findings = assemble(chosen, self._config.precedence, self._config.merge, prefer)
        return apply_overrides(registry, self._config.overrides, prefer), findings

    def assembled(self, sources: tuple[str, ...], prefer: tuple[str, ...]) -> tuple[Registry, tuple[Finding, ...]]:
        """The registry of these sources with its overrides, and what is wrong with what the sources bring."""
        overridden, findings = self.overridden(sources, prefer)
        return overridden.registry, (*findings, *self._findings_of_these(overridden, sources))

    def _findings_of_these(self, overridden: Overridden, sources: tuple[str, ...]) -> Iterator[Finding]:
        """What the overrides do wrong to these sources, and not to all together."""
        of_all = {(found.rule, found.service, found.version) for found in self.overridden((), ())[0].findings}
        for found in overridden.findings:
            if (found.rule, found.service, found.version) not in of_all:
                yield replace(found, message=f"{found.message}, in an output of {list_names(sources)}")

    def of(self, output: OutputSettings) -> OutputView:
        """What this output sees."""
        if output.consumer:
            registry, findings = self.assembled(output.sources, output.prefer)
            registry = selected(registry, output.select, output.prefer)
            declared = [upstream for bringer in self._contributions for upstream in bringer.upstreams]
            registry, more = consumer_view(registry, declared, output.consumer, output.origin)
            # The binds are the consumer's own: no tags, meta or datacenter of theirs can be judged.
            of_services = OutputSelect(services=output.select.services)
            seen = _output_view(registry, (*findings, *more), of_services, output.prefer)
        else:
            seen = self._shared_view(output.sources, output.prefer, output.select)
        if not seen.view.registry.services and any(bringer.endpoints for bringer in self._contributions):
            return OutputView(seen.view, (*seen.findings, _empty_output(output)))
        if self._names_only and needs_addresses(output.type):
            return OutputView(seen.view, (*seen.findings, *_without_address(output, seen, self._names_only)))
        return seen

    def _view_of(self, sources: tuple[str, ...], prefer: tuple[str, ...], select: OutputSelect) -> OutputView:
        return _output_view(*self.assembled(sources, prefer), select, prefer)


def _output_view(
    registry: Registry, findings: Iterable[Finding], select: OutputSelect, prefer: tuple[str, ...]
) -> OutputView:
    seen = selected(registry, select, prefer)
    # Precedence may have settled what is wrong with a service that this output leaves out.
    found = tuple(
        finding for finding in findings if finding.service is None or matches(select.services, finding.service)
    )
    return OutputView(View(registry=seen, prefer=prefer, preferring=partial(with_prefer, seen)), found)


def _empty_output(output: OutputSettings) -> Finding:
    return EMPTY_OUTPUT.finding(
        f"the output `{output.name}` has no service at all", value=output.name, origin=output.origin
    )


def _without_address(output: OutputSettings, seen: OutputView, sources: Collection[str]) -> Iterator[Finding]:
    """What the output needs an address of, and has none because these sources freeze names alone."""
    missing = [
        key_text(key)
        for key, entry in seen.view.registry.entries()
        if entry.declared and not {*sources}.isdisjoint(entry.sources)
    ]
    if missing:
        yield NO_ADDRESS.finding(
            f"the output `{output.name}` needs addresses, but `endpoints: false` under `keep` of {list_names(sources)} "
            f"freezes none of {name_first(missing)}",
            value=output.name,
            origin=output.origin,
        )


class Rendered(Struct, frozen=True):
    """What all outputs make. files: with digests; findings: of the registry as outputs see it, and of their own."""

    files: tuple[DesiredFile, ...]
    findings: tuple[Finding, ...]


def render_outputs(
    config: Config, views: RegistryViews, outputs: Sequence[OutputSettings], *, keep_bytes: bool
) -> Rendered:
    """Render the files of these outputs and find out their digests. FrostlineError: an output cannot be rendered.

    keep_bytes: whether they are going to be written; they stay in memory as far as MOST_KEPT allows.
    """
    budget = ByteBudget(MOST_KEPT if keep_bytes else 0)
    files: list[DesiredFile] = []
    findings: list[Finding] = []
    for output in outputs:
        with stage(f"rendering output {output.name}"):
            seen = views.of(output)
            rendering = output_module(output.type).render(view_for(output, seen.view), output)
            findings += (*seen.findings, *rendering.findings)
            folder = artifact_folder(output).relative_to(config.root)
            unportable: list[str] = []
            for number, artifact in enumerate(rendering.artifacts):
                report_progress("", number, len(rendering.artifacts))
                chunks = CachedChunks(artifact.chunks, budget)
                path = (folder / artifact.path).as_posix()
                unportable += [] if is_possible_on_windows(path) else [path]
                digest = digest_of_chunks(chunks)
                files.append(DesiredFile(path=path, chunks=chunks, output=output.name, sha256=digest))
            findings += _unportable(output, unportable)
    return Rendered(tuple(files), tuple(findings))


def _unportable(output: OutputSettings, paths: Sequence[str]) -> Iterator[Finding]:
    """paths: of the files of this output that Windows cannot have."""
    if paths:
        files = "a file" if len(paths) == 1 else f"{len(paths)} files"
        yield UNPORTABLE_PATH.finding(
            f"the output `{output.name}` writes {files} that Windows cannot have: {name_first(paths)}",
            value=paths[0],
            origin=output.origin,
        )
