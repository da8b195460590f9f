"""What a configuration asks of every service: `checks.policies`.

A policy is a function of its value that returns a judge: registry in, findings out. Findings carry the policy's name
as their rule, so that waivers name what the configuration names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, cast

from frostline.checks.addresses import Malformed, addresses, holds, known_address, port_ranges
from frostline.checks.base import Context
from frostline.checks.keys import fits, key_names, written_key
from frostline.errors import ErrorGroup, UsageError
from frostline.globs import is_literal
from frostline.model import Endpoint, Entry, Finding, Key, Registry, Severity, version_label
from frostline.settings import Bound, CheckSettings
from frostline.text import pluralize, shorten

MOST_FOR_ONE = 20
"""Findings of one policy for one (service, version); what is beyond them is only counted."""

Judge = Callable[[Registry], Iterable[Finding]]
Fault = tuple[str, str]
"""What is wrong with an endpoint: a sentence and the value."""


def findings(registry: Registry, settings: CheckSettings, context: Context) -> Iterator[Finding]:
    """What the policies find wrong. Raises UsageError where a policy itself is wrong."""
    for judge in parse_policies(settings):
        yield from judge(registry)


def parse_policies(settings: CheckSettings) -> tuple[Judge, ...]:
    """The judges of all policies, in the order written.

    Their shapes are the config schema's matter; raises UsageError, or SeveralErrors, where a network, a range of ports,
    a regular expression or a policy's name is wrong.
    """
    judges: list[Judge] = []
    errors: list[UsageError] = []
    for name, bound in settings.policies.items():
        try:
            judges.append(_judge(name, bound))
        except Malformed as problem:
            errors.append(UsageError(f"policy `{name}`: {problem.message}", origin=bound.origin, help=problem.help))
    if errors:
        raise ErrorGroup(errors) if len(errors) > 1 else errors[0]
    return tuple(judges)


def _judge(name: str, bound: Bound) -> Judge:
    if name not in _POLICIES:
        closest = get_close_matches(name, _POLICIES, n=1)
        known = ", ".join(f"`{policy}`" for policy in _POLICIES)
        raise Malformed(
            "there is no such policy", f"did you mean `{closest[0]}`?" if closest else f"the policies are {known}"
        )
    return _POLICIES[name](bound)


def _finding(rule: str, bound: Bound, key: Key | None, message: str, **more: Any) -> Finding:
    service, version = key or (None, None)
    severity = cast(Severity, bound.severity)
    more.setdefault("origin", bound.origin)
    return Finding(rule=rule, severity=severity, service=service, version=version, message=message, **more)


def _min_instances(bound: Bound) -> Judge:
    """N or {default: N, GLOB: N}: at least that many registered instances; the last glob that fits wins."""
    value = bound.value if isinstance(bound.value, Mapping) else {"default": bound.value}
    wanted = {str(glob): int(number) for glob, number in value.items() if glob != "severity"}
    default = wanted.pop("default", 0)
    position = {glob: place for place, glob in enumerate(wanted)}
    globs = [glob for glob in reversed(wanted) if not is_literal(glob)]

    def limit(key: Key) -> tuple[str, int]:
        fitting = [name for name in key_names(key) if name in wanted and is_literal(name)]
        fitting += [glob for glob in globs if fits(glob, key)][:1]
        if not fitting:
            return "default", default
        last = max(fitting, key=position.__getitem__)
        return last, wanted[last]

    def judge(registry: Registry) -> Iterator[Finding]:
        for key, entry in registry.entries():
            asker, least = limit(key)
            if len(entry.endpoints) < least and not _is_written(entry):
                has = pluralize(len(entry.endpoints), "endpoint") if entry.endpoints else "no endpoint"
                yield _finding(
                    "min_instances",
                    bound,
                    key,
                    f"it has {has}, fewer than the {least} that `{shorten(asker)}` asks for",
                    value=str(len(entry.endpoints)),
                    help=f"register more instances, or lower `min_instances` at {bound.origin}",
                )

    return judge


def _required(bound: Bound) -> Judge:
    """[KEY or glob]: each has an endpoint, a glob at least one that fits."""
    for text in bound.value:
        if not text or text.startswith("!"):
            raise Malformed(f"`{shorten(text)}` names no service", "write `payments/v1`, `payments` or `pay*/v1`")

    def judge(registry: Registry) -> Iterator[Finding]:
        named: dict[str, bool] = {}
        for key, entry in registry.entries():
            for name in key_names(key):
                named[name] = named.get(name, False) or not entry.declared
        for text in bound.value:
            if is_literal(text) and not named.get(text, False):
                message = "it is required, and has no endpoint" if text in named else "it is required, and not known"
                yield _finding("required", bound, written_key(text), message, value=text, help=_required_help(bound))
            elif not is_literal(text) and not _served(registry, text):
                message = f"nothing that has an endpoint fits the required `{shorten(text)}`"
                yield _finding("required", bound, None, message, value=text, help=_required_help(bound))

    return judge


def _served(registry: Registry, glob: str) -> bool:
    return any(fits(glob, key) for key, entry in registry.entries() if not entry.declared)


def _required_help(bound: Bound) -> str:
    return f"`frostline explain` shows what was left out and why; or change `required` at {bound.origin}"


def _names(bound: Bound) -> Judge:
    """A regular expression that each service's name fits as a whole."""
    try:
        pattern = re.compile(bound.value)
    except re.error as error:
        raise Malformed(
            f"`{shorten(bound.value)}` is no regular expression: {error}", "see Python's `re` for the syntax"
        ) from None

    def judge(registry: Registry) -> Iterator[Finding]:
        for service, versions in registry.services.items():
            if pattern.fullmatch(service) is None:
                yield _finding(
                    "names",
                    bound,
                    Key(service, None),
                    f"its name does not fit `{shorten(bound.value)}`",
                    value=shorten(service),
                    origin=_first_origin(versions, bound),
                    help=f"register it under another name, or change `names` at {bound.origin}",
                )

    return judge


def _first_origin(versions: Mapping[str | None, Entry], bound: Bound) -> Any:
    return next((endpoint.origin for entry in versions.values() for endpoint in entry.endpoints), bound.origin)


def _each_endpoint(rule: str, bound: Bound, fault: Callable[[Endpoint], Fault | None]) -> Judge:
    """The judge of a policy that looks at registered instances one by one."""
    advice = f"correct the registration, or change `{rule}` at {bound.origin}"

    def judge(registry: Registry) -> Iterator[Finding]:
        for key, entry in registry.entries():
            registered = [endpoint for endpoint in entry.endpoints if _is_registered(endpoint)]
            wrong = [(endpoint, found) for endpoint in registered if (found := fault(endpoint)) is not None]
            for endpoint, (message, value) in wrong[:MOST_FOR_ONE]:
                yield _finding(rule, bound, key, message, value=value, origin=endpoint.origin, help=advice)
            if len(wrong) > MOST_FOR_ONE:
                more = pluralize(len(wrong) - MOST_FOR_ONE, "more endpoint")
                yield _finding(rule, bound, key, f"{more} of it break `{rule}`", help=advice)

    return judge


def _is_registered(endpoint: Endpoint) -> bool:
    """Whether a server knows it: static and router endpoints, said by the configuration itself, have no datacenter."""
    return bool(endpoint.datacenter)


def _is_written(entry: Entry) -> bool:
    """Whether the configuration says all its endpoints itself: one URL is all that a static service or router has."""
    return bool(entry.endpoints) and not any(_is_registered(endpoint) for endpoint in entry.endpoints)


def _addresses(bound: Bound) -> Judge:
    """{allow: [network, glob], deny: […]}: networks hold IP addresses, globs fit host names."""
    allow = addresses(bound.value["allow"]) if "allow" in bound.value else None
    deny = addresses(bound.value.get("deny", ()))

    @cache
    def fault(text: str) -> Fault | None:
        shown = shorten(text)
        address = known_address(text)
        if address is None:
            return f"its address `{shown}` is neither an IP address nor a host name", shown
        if holds(deny, address):
            return f"its address `{shown}` is denied", shown
        if allow is not None and not holds(allow, address):
            return f"its address `{shown}` is not among those allowed", shown
        return None

    return _each_endpoint("addresses", bound, lambda endpoint: fault(endpoint.address))


def _ports(bound: Bound) -> Judge:
    """{allow: [range], deny: [range]}."""
    allow = port_ranges(bound.value["allow"]) if "allow" in bound.value else None
    deny = port_ranges(bound.value.get("deny", ()))

    def fault(endpoint: Endpoint) -> Fault | None:
        port = endpoint.port
        if any(low <= port <= high for low, high in deny):
            return f"its port {port} is denied", str(port)
        if allow is not None and not any(low <= port <= high for low, high in allow):
            return f"its port {port} is not among those allowed", str(port)
        return None

    return _each_endpoint("ports", bound, fault)


def _meta(bound: Bound) -> Judge:
    """{required: [key]}."""
    required = tuple(bound.value["required"])

    def fault(endpoint: Endpoint) -> Fault | None:
        missing = [key for key in required if key not in endpoint.meta]
        if not missing:
            return None
        return f"it has no meta {_quoted(missing)}", ", ".join(missing)

    return _each_endpoint("meta", bound, fault)


def _tags(bound: Bound) -> Judge:
    """{required: [tag]}."""
    required = tuple(bound.value["required"])

    def fault(endpoint: Endpoint) -> Fault | None:
        missing = [tag for tag in required if tag not in endpoint.tags]
        if not missing:
            return None
        return f"it has no tag {_quoted(missing)}", ", ".join(missing)

    return _each_endpoint("tags", bound, fault)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _upstreams(bound: Bound) -> Judge:
    """`resolve`: what a job declares as upstream is served or declared, but for what is looked up elsewhere."""

    def judge(registry: Registry) -> Iterator[Finding]:
        for one in registry.upstreams:
            if one.is_elsewhere or one.version in registry.services.get(one.service, {}):
                continue
            yield _finding(
                "upstreams",
                bound,
                one.key,
                f"`{one.upstream.consumer}` declares it as an upstream, and nobody serves or declares it",
                value=one.upstream.destination,
                origin=one.origin,
                help=_upstream_help(registry, one.service, bound),
            )

    return judge


def _upstream_help(registry: Registry, service: str, bound: Bound) -> str:
    if service in registry.services:
        versions = ", ".join(f"`{version_label(version)}`" for version in registry.services[service])
        return f"of `{shorten(service)}` there is {versions}; or change `upstreams` at {bound.origin}"
    close = get_close_matches(service, registry.services, n=1)
    if close:
        return f"did you mean `{shorten(close[0])}`? or change `upstreams` at {bound.origin}"
    return f"add the source that has it, or change `upstreams` at {bound.origin}"


_POLICIES: Mapping[str, Callable[[Bound], Judge]] = {
    "min_instances": _min_instances,
    "required": _required,
    "addresses": _addresses,
    "ports": _ports,
    "meta": _meta,
    "tags": _tags,
    "names": _names,
    "upstreams": _upstreams,
}
