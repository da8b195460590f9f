"""What each output sees of the registry, and the files that it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

from msgspec import Struct
from msgspec.structs import replace

from frostline.events import report_progress, stage
from frostline.files.names import is_possible_on_windows
from frostline.files.targets import digest_of_chunks, path_fault
from frostline.globs import matches
from frostline.model import Contribution, Finding, Key, Registry
from frostline.outputs.base import Beside, View, artifact_folder, needs_addresses, output_module, view_for
from frostline.pipeline.compile.file_rules import EMPTY_OUTPUT, IMPOSSIBLE_PATH, NO_ADDRESS, UNPORTABLE_PATH
from frostline.pipeline.freeze.live import names_only_sources
from frostline.publish.ownership import DesiredFile
from frostline.registry.assembling import assemble, with_prefer
from frostline.registry.configured_consumers import consumers_by_key
from frostline.registry.output_views.consumer import consumer_view
from frostline.registry.output_views.select import selected
from frostline.registry.output_views.urls import OutputUrls
from frostline.registry.overrides.applying import Overridden, apply_overrides, written_places
from frostline.service_keys import key_text, matches_key
from frostline.settings import Config, OutputConsumer, OutputSelect, OutputSettings, UrlPatterns, Waiver
from frostline.sources.base import patterned_sources
from frostline.text import list_names, name_first, quote

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
    """What one output sees of the registry, and what is wrong with it.

    without_url: why an endpoint, which the view then lacks, has no URL by the patterns of the output.
    """

    view: View
    findings: tuple[Finding, ...]
    without_url: tuple[Finding, ...] = ()


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
            seen = self._consumer_view(output, output.consumer)
        else:
            seen = self._shared_view(output.sources, output.prefer, output.select, output.urls)
        findings = [
            *seen.findings,
            *(replace(one, message=f"{one.message}, in the output `{output.name}`") for one in seen.without_url),
        ]
        if not seen.view.registry.services and any(bringer.endpoints for bringer in self._contributions):
            findings.append(_empty_output(output))
        elif self._names_only and needs_addresses(output.type):
            findings += _without_address(output, seen, self._names_only)
        return OutputView(seen.view, tuple(findings))

    def _view_of(
        self, sources: tuple[str, ...], prefer: tuple[str, ...], select: OutputSelect, urls: UrlPatterns
    ) -> OutputView:
        registry, findings = self.assembled(sources, prefer)
        registry = selected(registry, select, prefer)
        without_url: tuple[Finding, ...] = ()
        if urls.present():
            registry, without_url = self._urls_of(urls).registry(registry, prefer)
        return self._output_view(registry, _of_services(findings, select), without_url, prefer)

    def _consumer_view(self, output: OutputSettings, consumer: OutputConsumer) -> OutputView:
        """What an output for one consumer sees: the binds of its upstreams are its own, and no tags, meta or datacenter
        of theirs can be judged."""
        registry, findings = self.assembled(output.sources, output.prefer)
        plain = selected(registry, output.select, output.prefer)
        urls = self._urls_of(output.urls)
        declared = urls.dependencies(upstream for bringer in self._contributions for upstream in bringer.upstreams)
        registry, more = consumer_view(plain, declared, consumer, output.origin, urls.applies_to)
        registry = selected(registry, OutputSelect(services=output.select.services))
        bound = {key for key, entry in registry.entries() if entry is not plain.get(key)}
        registry, without_url = urls.registry(registry, output.prefer, bound)
        return self._output_view(registry, _of_services((*findings, *more), output.select), without_url, output.prefer)

    def _output_view(
        self,
        registry: Registry,
        findings: tuple[Finding, ...],
        without_url: tuple[Finding, ...],
        prefer: tuple[str, ...],
    ) -> OutputView:
        view = View(
            registry=registry,
            prefer=prefer,
            preferring=partial(with_prefer, registry),
            beside=partial(_beside, self._config, registry),
        )
        return OutputView(view, findings, without_url)

    def _urls_of(self, patterns: UrlPatterns) -> OutputUrls:
        namings = {name: source.naming for name, source in patterned_sources(self._config.sources).items()}
        return OutputUrls(patterns, namings, written_places(self._config.overrides))


def _beside(config: Config, registry: Registry) -> Beside:
    keys = [key for key, _ in registry.entries()]

    def is_here(glob: str) -> bool:
        return any(matches_key(glob, key) for key in keys)

    return Beside(
        overrides=tuple(one for one in config.overrides if is_here(one.service)),
        waivers=tuple(one for one in config.checks.waivers if is_here(one.service)),
        configured_consumers=consumers_by_key(config.consumers, keys),
    )


Lasting = Callable[[], Sequence[tuple[Finding, Waiver | None]]]
"""The findings that lock and configuration yield on every day, each with its waiver."""


def _with_findings(view: View, whole: Registry, lasting: Lasting, select: OutputSelect) -> Beside:
    """What stands beside the registry of this view. whole: the registry that all outputs are made of."""

    def is_about_this(finding: Finding) -> bool:
        if finding.service is None:
            return True
        key = Key(finding.service, finding.version)
        if whole.get(key) is not None:
            return view.registry.get(key) is not None
        if finding.version is None and finding.service in whole.services:
            return finding.service in view.registry.services
        return matches(select.services, finding.service)

    return replace(view.beside(), findings=tuple(pair for pair in lasting() if is_about_this(pair[0])))


def _of_services(findings: Iterable[Finding], select: OutputSelect) -> tuple[Finding, ...]:
    """Precedence may have settled what is wrong with a service that this output leaves out."""
    return tuple(
        finding for finding in findings if finding.service is None or matches(select.services, finding.service)
    )


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
    """What all outputs make. files: with digests; findings: of the registry as outputs see it, and of their own.

    empty: the outputs without any service or upstream, though there are services.
    """

    files: tuple[DesiredFile, ...]
    findings: tuple[Finding, ...]
    empty: tuple[OutputSettings, ...] = ()


def render_outputs(
    config: Config,
    views: RegistryViews,
    outputs: Sequence[OutputSettings],
    lasting: Lasting = tuple,
    *,
    keep_bytes: bool,
) -> Rendered:
    """Render the files of these outputs and find out their digests. FrostlineError: an output cannot be rendered.

    keep_bytes: whether they are going to be written; they stay in memory as far as MOST_KEPT allows.
    """
    budget = ByteBudget(MOST_KEPT if keep_bytes else 0)
    files: list[DesiredFile] = []
    findings: list[Finding] = []
    empty: list[OutputSettings] = []
    for output in outputs:
        with stage(f"rendering output {output.name}"):
            seen = views.of(output)
            whole = views.overridden((), ())[0].registry
            view = replace(seen.view, beside=partial(_with_findings, seen.view, whole, lasting, output.select))
            rendering = output_module(output.type).render(view_for(output, view), output)
            findings += (*seen.findings, *rendering.findings)
            if EMPTY_OUTPUT.name in {found.rule for found in seen.findings} and not seen.view.registry.upstreams:
                empty.append(output)
            folder = artifact_folder(output).relative_to(config.root)
            unportable: list[str] = []
            impossible: dict[str, list[str]] = {}
            for number, artifact in enumerate(rendering.artifacts):
                report_progress("", number, len(rendering.artifacts))
                chunks = CachedChunks(artifact.chunks, budget)
                path = (folder / artifact.path).as_posix()
                if fault := path_fault(path):
                    impossible.setdefault(fault, []).append(path)
                    continue
                unportable += [] if is_possible_on_windows(path) else [path]
                digest = digest_of_chunks(chunks)
                files.append(DesiredFile(path=path, chunks=chunks, output=output.name, sha256=digest))
            findings += (*_impossible(output, impossible), *_unportable(output, unportable))
    return Rendered(tuple(files), tuple(findings), tuple(empty))


def _impossible(output: OutputSettings, paths: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """paths: of the files of this output that cannot be written, by what is wrong with them."""
    for fault, wrong in paths.items():
        what = "a file, since its path" if len(wrong) == 1 else f"{len(wrong)} files, since the path of each"
        yield IMPOSSIBLE_PATH.finding(
            f"the output {quote(output.name)} cannot write {what} {fault}: {name_first(wrong)}",
            value=wrong[0],
            origin=output.origin,
        )


def _unportable(output: OutputSettings, paths: Sequence[str]) -> Iterator[Finding]:
    """paths: of the files of this output that Windows cannot have."""
    if paths:
        files = "a file" if len(paths) == 1 else f"{len(paths)} files"
        yield UNPORTABLE_PATH.finding(
            f"the output `{output.name}` writes {files} that Windows cannot have: {name_first(paths)}",
            value=paths[0],
            origin=output.origin,
        )
