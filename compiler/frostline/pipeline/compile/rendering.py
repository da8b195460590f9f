"""What each output sees of the registry, and the files that it renders from that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from frostline.events import report_progress, stage
from frostline.files.names import is_possible_on_windows
from frostline.files.targets import digest_of_chunks, path_fault
from frostline.globs import matches
from frostline.model import Contribution, Finding, Key, Registry
from frostline.outputs.base import Artifact, Beside, View, artifact_folder, needs_addresses, output_module, view_for
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
"""Bytes of rendered files that one run keeps in memory. Files beyond that are rendered again to be written."""


class ByteBudget(Struct):
    """How many bytes may still be kept in memory."""

    left: int = MOST_KEPT


class CachedChunks:
    """The bytes of a file: rendered once and kept if the budget allows, else rendered at each iteration."""

    def __init__(self, chunks: Iterable[bytes], budget: ByteBudget) -> None:
        self._chunks = chunks
        self._budget = budget
        self._cached: tuple[bytes, ...] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._cached is not None:
            yield from self._cached
            return
        chunks: list[bytes] = []
        size = 0
        for chunk in self._chunks:
            size += len(chunk)
            if size <= self._budget.left:
                chunks.append(chunk)
            else:
                chunks.clear()
            yield chunk
        if size <= self._budget.left:
            self._budget.left -= size
            self._cached = tuple(chunks)


class OutputView(Struct, frozen=True):
    """What one output sees of the registry, and what is wrong with it.

    without_url: findings about endpoints that the view lacks, because the output's patterns give no URL for them.
    """

    view: View
    findings: tuple[Finding, ...]
    without_url: tuple[Finding, ...] = ()


class RegistryViews:
    """The registry as outputs see it. Outputs that see the same share one view."""

    def __init__(self, config: Config, contributions: Sequence[Contribution]) -> None:
        self._config = config
        self._contributions = contributions
        self._names_only = names_only_sources(config)
        self.overridden = cache(self._overridden)
        self._shared_view = cache(self._view_of)

    def _overridden(self, sources: tuple[str, ...], prefer: tuple[str, ...]) -> tuple[Overridden, tuple[Finding, ...]]:
        """Assemble the registry of these sources, () for all, and apply the overrides to it.

        Precedence is decided among these sources alone.
        """
        chosen = [contribution for contribution in self._contributions if not sources or contribution.source in sources]
        registry, findings = assemble(chosen, self._config.precedence, self._config.merge, prefer)
        return apply_overrides(registry, self._config.overrides, prefer), findings

    def assembled(self, sources: tuple[str, ...], prefer: tuple[str, ...]) -> tuple[Registry, tuple[Finding, ...]]:
        """Return the registry of these sources with its overrides, and what is wrong with it."""
        overridden, findings = self.overridden(sources, prefer)
        return overridden.registry, (*findings, *self._own_findings(overridden, sources))

    def _own_findings(self, overridden: Overridden, sources: tuple[str, ...]) -> Iterator[Finding]:
        """Yield the findings of overrides that these sources have and the whole registry does not."""
        whole, _ = self.overridden((), ())
        known = {(finding.rule, finding.service, finding.version) for finding in whole.findings}
        for finding in overridden.findings:
            if (finding.rule, finding.service, finding.version) not in known:
                yield replace(finding, message=f"{finding.message}, in an output of {list_names(sources)}")

    def of(self, output: OutputSettings) -> OutputView:
        """Return what this output sees."""
        if output.consumer:
            seen = self._consumer_view(output, output.consumer)
        else:
            seen = self._shared_view(output.sources, output.prefer, output.select, output.urls)
        findings = [
            *seen.findings,
            *(
                replace(finding, message=f"{finding.message}, in the output `{output.name}`")
                for finding in seen.without_url
            ),
        ]
        if not seen.view.registry.services and any(contribution.endpoints for contribution in self._contributions):
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
        """Return what an output for one consumer sees: each upstream of the consumer has its bind as the endpoint.

        `select` of the output can judge tags, meta and datacenters of registered endpoints, but a bind has none.
        """
        registry, findings = self.assembled(output.sources, output.prefer)
        plain = selected(registry, output.select, output.prefer)
        urls = self._urls_of(output.urls)
        declared = urls.dependencies(
            upstream for contribution in self._contributions for upstream in contribution.upstreams
        )
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
        overrides=tuple(override for override in config.overrides if is_here(override.service)),
        waivers=tuple(waiver for waiver in config.checks.waivers if is_here(waiver.service)),
        configured_consumers=consumers_by_key(config.consumers, keys),
    )


LastingFindings = Callable[[], Sequence[tuple[Finding, Waiver | None]]]
"""Returns the findings that lock and configuration give on every day, each with its waiver."""


def _with_findings(view: View, whole: Registry, lasting: LastingFindings, select: OutputSelect) -> Beside:
    """Return what stands beside the registry of this view, with its findings. whole: the registry of all sources."""

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
    """Leave out the findings about services that the output does not select."""
    return tuple(
        finding for finding in findings if finding.service is None or matches(select.services, finding.service)
    )


def _empty_output(output: OutputSettings) -> Finding:
    return EMPTY_OUTPUT.finding(
        f"the output `{output.name}` has no service at all", value=output.name, origin=output.origin
    )


def _without_address(output: OutputSettings, seen: OutputView, sources: Collection[str]) -> Iterator[Finding]:
    """Yield a finding if the output needs addresses of services for which these sources freeze only names."""
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
    """What outputs render.

    files: with digests. findings: about the registry as outputs see it, and about the outputs themselves.
    empty: the outputs without a service or upstream, if the registry has services.
    """

    files: tuple[DesiredFile, ...]
    findings: tuple[Finding, ...]
    empty: tuple[OutputSettings, ...] = ()


def render_outputs(
    config: Config,
    views: RegistryViews,
    outputs: Sequence[OutputSettings],
    lasting: LastingFindings = tuple,
    *,
    keep_bytes: bool,
) -> Rendered:
    """Render the files of these outputs and compute their digests.

    keep_bytes: keep the files in memory, as far as MOST_KEPT allows, because they are going to be written.
    Raises FrostlineError if an output cannot be rendered.
    """
    budget = ByteBudget(MOST_KEPT if keep_bytes else 0)
    rendered = [_render_output(config, views, output, lasting, budget) for output in outputs]
    return Rendered(
        files=tuple(chain.from_iterable(part.files for part in rendered)),
        findings=tuple(chain.from_iterable(part.findings for part in rendered)),
        empty=tuple(chain.from_iterable(part.empty for part in rendered)),
    )


def _render_output(
    config: Config, views: RegistryViews, output: OutputSettings, lasting: LastingFindings, budget: ByteBudget
) -> Rendered:
    with stage(f"rendering output {output.name}"):
        seen = views.of(output)
        whole = views.overridden((), ())[0].registry
        view = replace(seen.view, beside=partial(_with_findings, seen.view, whole, lasting, output.select))
        rendering = output_module(output.type).render(view_for(output, view), output)
        files, path_findings = _files_of(config, output, rendering.artifacts, budget)
    has_no_service = any(finding.rule == EMPTY_OUTPUT.name for finding in seen.findings)
    return Rendered(
        files=files,
        findings=(*seen.findings, *rendering.findings, *path_findings),
        empty=(output,) if has_no_service and not seen.view.registry.upstreams else (),
    )


def _files_of(
    config: Config, output: OutputSettings, artifacts: Sequence[Artifact], budget: ByteBudget
) -> tuple[tuple[DesiredFile, ...], tuple[Finding, ...]]:
    """Return the files of these artifacts, and findings about paths that cannot be written everywhere."""
    folder = artifact_folder(output).relative_to(config.root)
    files: list[DesiredFile] = []
    unportable: list[str] = []
    impossible: dict[str, list[str]] = {}
    for number, artifact in enumerate(artifacts):
        report_progress("", number, len(artifacts))
        path = (folder / artifact.path).as_posix()
        if fault := path_fault(path):
            impossible.setdefault(fault, []).append(path)
            continue
        if not is_possible_on_windows(path):
            unportable.append(path)
        chunks = CachedChunks(artifact.chunks, budget)
        digest = digest_of_chunks(chunks)
        files.append(DesiredFile(path=path, chunks=chunks, output=output.name, sha256=digest))
    return tuple(files), (*_impossible(output, impossible), *_unportable(output, unportable))


def _impossible(output: OutputSettings, paths: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield a finding for each fault that makes paths impossible. paths: fault -> paths of this output with it."""
    for fault, wrong in paths.items():
        what = "a file, since its path" if len(wrong) == 1 else f"{len(wrong)} files, since the path of each"
        yield IMPOSSIBLE_PATH.finding(
            f"the output {quote(output.name)} cannot write {what} {fault}: {name_first(wrong)}",
            value=wrong[0],
            origin=output.origin,
        )


def _unportable(output: OutputSettings, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding if Windows cannot have these paths of the output."""
    if paths:
        files = "a file" if len(paths) == 1 else f"{len(paths)} files"
        yield UNPORTABLE_PATH.finding(
            f"the output `{output.name}` writes {files} that Windows cannot have: {name_first(paths)}",
            value=paths[0],
            origin=output.origin,
        )
