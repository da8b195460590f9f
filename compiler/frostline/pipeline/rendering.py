"""What each output sees of the registry, and the files that it wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, partial

from frostline.events import report_progress, stage
from frostline.globs import matches
from frostline.model import Contribution, Finding, Registry, registry_of
from frostline.outputs.base import View, artifact_folder, output_module
from frostline.publish.ownership import DesiredFile
from frostline.registry.assembling import assemble, with_prefer
from frostline.registry.consumers import consumer_view
from frostline.settings import Config, OutputSettings

Seen = tuple[View, tuple[Finding, ...]]


class Views:
    """The registry as outputs see it; those that see the same share it."""

    def __init__(self, config: Config, contributions: Sequence[Contribution]) -> None:
        self._config = config
        self._contributions = contributions
        self.assembled = cache(self._assembled)
        self._view = cache(self._viewed)

    def _assembled(self, sources: tuple[str, ...], prefer: tuple[str, ...]) -> tuple[Registry, tuple[Finding, ...]]:
        """The registry of these sources, () for all, so that precedence is decided among them."""
        chosen = [one for one in self._contributions if not sources or one.source in sources]
        return assemble(chosen, self._config.precedence, self._config.merge, prefer)

    def of(self, output: OutputSettings) -> Seen:
        """What this output sees, and what is wrong with it."""
        if output.consumer:
            registry, findings = self.assembled(output.sources, output.prefer)
            declared = [one for contribution in self._contributions for one in contribution.upstreams]
            registry, more = consumer_view(registry, declared, output.consumer, output.origin)
            view, found = _selected(registry, (*findings, *more), output.select, output.prefer)
        else:
            view, found = self._view(output.sources, output.prefer, output.select)
        if not view.registry.services and any(one.endpoints for one in self._contributions):
            found = (*found, _empty_output(output))
        return view, found

    def _viewed(self, sources: tuple[str, ...], prefer: tuple[str, ...], select: tuple[str, ...]) -> Seen:
        return _selected(*self.assembled(sources, prefer), select, prefer)


def _selected(
    registry: Registry, findings: Iterable[Finding], select: tuple[str, ...], prefer: tuple[str, ...]
) -> Seen:
    entries = {key: entry for key, entry in registry.entries() if matches(select, key[0])}
    upstreams = [one for one in registry.upstreams if matches(select, one.service)]
    seen = registry_of(entries, upstreams)
    # What the output leaves out is not its business: precedence may have settled it where its sources alone don't.
    found = tuple(finding for finding in findings if finding.service is None or matches(select, finding.service))
    return View(registry=seen, prefer=prefer, preferring=partial(with_prefer, seen)), found


def _empty_output(output: OutputSettings) -> Finding:
    return Finding(
        rule="output-empty",
        severity="warning",
        value=output.name,
        origin=output.origin,
        message=f"the output `{output.name}` has no service at all",
        help="see that `select` fits names of services, and that its `sources` have any: `frostline list` shows them",
    )


def rendered(
    config: Config, views: Views, outputs: Iterable[OutputSettings]
) -> tuple[tuple[DesiredFile, ...], tuple[Finding, ...]]:
    """The files that these outputs want, with paths relative to the root, and what is wrong with them."""
    wanted: list[DesiredFile] = []
    findings: list[Finding] = []
    every = tuple(outputs)
    for number, output in enumerate(every):
        module = output_module(output.type)
        with stage(f"rendering output {output.name}"):
            report_progress("", number, len(every))
            view, more = views.of(output)
            rendering = module.render(view, output)
        findings += (*more, *rendering.findings)
        folder = artifact_folder(output).relative_to(config.root)
        wanted += [
            DesiredFile(path=(folder / artifact.path).as_posix(), chunks=artifact.chunks, output=output.name)
            for artifact in rendering.artifacts
        ]
    return tuple(wanted), tuple(findings)
