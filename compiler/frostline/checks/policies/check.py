"""The check `policies`: what a configuration requires of every service (`checks.policies`).

The rule of a finding is the policy's name, so that a waiver uses the same name as the configuration.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from frostline.checks.base import Context
from frostline.checks.policies import endpoints as endpoint_policies
from frostline.checks.policies.address_sets import InvalidPolicyValue
from frostline.checks.policies.endpoints import judge_addresses, judge_meta, judge_ports, judge_tags
from frostline.checks.policies.judge import Judge, Policy, first_origin, is_configured, policy_finding
from frostline.checks.policies.keys import SCHEMA, configure
from frostline.errors import ErrorGroup, UsageError
from frostline.globs import is_literal
from frostline.model import Finding, Key, Registry, version_label
from frostline.rules import Rule
from frostline.service_keys import key_names, matches_key, parse_key
from frostline.settings import CheckSettings, PolicySetting
from frostline.text import closest, did_you_mean, list_names, pluralize, shorten
from frostline.user_regexes import compiled as compiled_pattern

__all__ = ["RULES", "SCHEMA", "configure", "findings", "parse_policies"]

MIN_INSTANCES = Rule(
    name="min_instances",
    summary="a (service, version) has fewer instances than the policy `min_instances` requires",
    why="A service with too few instances is mostly in trouble at this moment. Once published, the instances that are "
    "left would take all the traffic until the next compile.",
    example="frostline.yaml:60:7: error[min_instances]: payments v1: "
    "it has 1 endpoint, but `payments/*` requires at least 2\n"
    "  help: register more instances, or lower `min_instances` at frostline.yaml:60:7",
    mend="register more instances, or lower `min_instances` under `checks.policies`",
)
REQUIRED = Rule(
    name="required",
    summary="a service that the policy `required` names has no endpoint",
    why="Programs that read the registry cannot start without this service, or cannot do their work.",
    example="frostline.yaml:60:7: error[required]: payments v2: it is required but has no endpoint\n"
    "  help: `frostline explain payments/v2` shows what was left out and why; or change `required` at "
    "frostline.yaml:60:7",
    mend="`frostline explain SERVICE` shows what was left out and why; or change `required` under `checks.policies`",
)
NAMES = Rule(
    name="names",
    summary="a service's name does not match the pattern of the policy `names`",
    why="Names end up in URLs, variables and file names. One rule for all names keeps these predictable.",
    example="mesh(datacenter=dc1, node=n1, id=ledger-1): error[names]: Ledger: "
    "its name does not match `^[a-z][a-z0-9-]*$`\n"
    "  help: register it under another name, or change `names` at frostline.yaml:60:7",
    mend="register it under another name, or change `names` under `checks.policies`",
)
UPSTREAMS = Rule(
    name="upstreams",
    summary="a consumer declares an upstream that no source of this registry serves or declares",
    why="The consumer would find nobody behind its sidecar: the destination is misspelt, not deployed yet, or its "
    "source is not configured. Upstreams in peers and prepared queries always pass, because this registry does not "
    "contain them.",
    example="jobs/shop.nomad.hcl:20:11: error[upstreams]: paymets v1: "
    "`default:shop/web` declares it as an upstream, but no source serves or declares it\n"
    "  help: did you mean `payments`? or change `upstreams` at frostline.yaml:60:7",
    mend="correct the destination, add the source that serves it, or change `upstreams` under `checks.policies`",
)
RULES = (MIN_INSTANCES, REQUIRED, NAMES, UPSTREAMS, *endpoint_policies.RULES)


def findings(registry: Registry, settings: CheckSettings, context: Context) -> Iterator[Finding]:
    """The violations of the policies. Raises UsageError, or ErrorGroup, if a policy itself is wrong."""
    for judge in parse_policies(settings):
        yield from judge(registry)


def parse_policies(settings: CheckSettings) -> tuple[Judge, ...]:
    """The judges of all policies, in the order written.

    The config schema has checked the shapes of their values. Raises UsageError, or ErrorGroup, if a network, a range of
    ports, a regular expression or a policy's name is wrong.
    """
    judges: list[Judge] = []
    errors: list[UsageError] = []
    for name, setting in settings.policies.items():
        try:
            judges.append(_judge(name, setting))
        except InvalidPolicyValue as problem:
            errors.append(UsageError(f"policy `{name}`: {problem.message}", origin=setting.origin, help=problem.help))
    if errors:
        raise ErrorGroup(errors) if len(errors) > 1 else errors[0]
    return tuple(judges)


def _judge(name: str, setting: PolicySetting) -> Judge:
    if name not in _POLICIES:
        known = ", ".join(f"`{policy}`" for policy in _POLICIES)
        raise InvalidPolicyValue("there is no such policy", did_you_mean(name, _POLICIES, f"the policies are {known}"))
    return _POLICIES[name](setting)


def _judge_min_instances(setting: PolicySetting) -> Judge:
    """N or {default: N, GLOB: N}: at least this many registered instances; the last glob that matches wins."""
    value = setting.value if isinstance(setting.value, Mapping) else {"default": setting.value}
    least_by_glob = {str(glob): int(number) for glob, number in value.items() if glob != "severity"}
    default = least_by_glob.pop("default", 0)
    position = {glob: index for index, glob in enumerate(least_by_glob)}
    globs = [glob for glob in reversed(least_by_glob) if not is_literal(glob)]

    def limit(key: Key) -> tuple[str, int]:
        matching = [name for name in key_names(key) if name in least_by_glob and is_literal(name)]
        matching += [glob for glob in globs if matches_key(glob, key)][:1]
        if not matching:
            return "default", default
        last = max(matching, key=position.__getitem__)
        return last, least_by_glob[last]

    def judge(registry: Registry) -> Iterator[Finding]:
        for key, entry in registry.entries():
            glob, least = limit(key)
            if len(entry.endpoints) < least and not is_configured(entry):
                has = pluralize(len(entry.endpoints), "endpoint") if entry.endpoints else "no endpoint"
                yield policy_finding(
                    MIN_INSTANCES,
                    setting,
                    key,
                    f"it has {has}, but `{shorten(glob)}` requires at least {least}",
                    value=str(len(entry.endpoints)),
                    help=f"register more instances, or lower `min_instances` at {setting.origin}",
                )

    return judge


def _judge_required(setting: PolicySetting) -> Judge:
    """[KEY or GLOB]: each key, and at least one service that matches each glob, has an endpoint."""
    for text in setting.value:
        if not text or text.startswith("!"):
            raise InvalidPolicyValue(
                f"`{shorten(text)}` names no service", "write `payments/v1`, `payments` or `pay*/v1`"
            )

    def way_past(name: str) -> str:
        shown = f"`frostline explain {shlex.quote(name)}` shows what was left out and why"
        return f"{shown}; or change `required` at {setting.origin}"

    def judge(registry: Registry) -> Iterator[Finding]:
        has_endpoint: dict[str, bool] = {}
        for key, entry in registry.entries():
            for name in key_names(key):
                has_endpoint[name] = has_endpoint.get(name, False) or not entry.declared
        for text in setting.value:
            if is_literal(text) and not has_endpoint.get(text, False):
                message = "it is required but has no endpoint" if text in has_endpoint else "it is required but unknown"
                near = None if text in has_endpoint else closest(text, has_endpoint)
                way = f"did you mean `{shorten(near)}`? or {way_past(text)}" if near else way_past(text)
                yield policy_finding(REQUIRED, setting, parse_key(text), message, value=text, help=way)
            elif not is_literal(text) and not _is_served(registry, text):
                message = f"no service with an endpoint matches the required `{shorten(text)}`"
                yield policy_finding(REQUIRED, setting, None, message, value=text, help=way_past("SERVICE"))

    return judge


def _is_served(registry: Registry, glob: str) -> bool:
    return any(matches_key(glob, key) for key, entry in registry.entries() if not entry.declared)


def _judge_names(setting: PolicySetting) -> Judge:
    """A regular expression that the whole name of each service must match."""
    try:
        pattern = compiled_pattern(setting.value)
    except re.error as error:
        raise InvalidPolicyValue(
            f"`{shorten(setting.value)}` is not a regular expression: {error}", "see Python's `re` for the syntax"
        ) from None

    def judge(registry: Registry) -> Iterator[Finding]:
        for service, versions in registry.services.items():
            if pattern.fullmatch(service) is None:
                yield policy_finding(
                    NAMES,
                    setting,
                    Key(service, None),
                    f"its name does not match `{shorten(setting.value)}`",
                    value=shorten(service),
                    origin=first_origin(versions, setting),
                    help=f"register it under another name, or change `names` at {setting.origin}",
                )

    return judge


def _judge_upstreams(setting: PolicySetting) -> Judge:
    """`resolve`: a source must serve or declare the destination of each upstream, except for peers and queries."""

    def judge(registry: Registry) -> Iterator[Finding]:
        for dependency in registry.upstreams:
            if dependency.is_elsewhere or dependency.version in registry.services.get(dependency.service, {}):
                continue
            consumer = dependency.upstream.consumer
            yield policy_finding(
                UPSTREAMS,
                setting,
                dependency.key,
                f"`{consumer}` declares it as an upstream, but no source serves or declares it",
                value=dependency.upstream.destination,
                origin=dependency.origin,
                help=_upstream_help(registry, dependency.service, setting),
            )

    return judge


def _upstream_help(registry: Registry, service: str, setting: PolicySetting) -> str:
    if service in registry.services:
        versions = list_names(version_label(version) for version in registry.services[service])
        return f"`{shorten(service)}` has {versions}; or change `upstreams` at {setting.origin}"
    near = closest(service, registry.services)
    if near is not None:
        return f"did you mean `{shorten(near)}`? or change `upstreams` at {setting.origin}"
    return f"add the source that has it, or change `upstreams` at {setting.origin}"


_POLICIES: Mapping[str, Policy] = {
    "min_instances": _judge_min_instances,
    "required": _judge_required,
    "addresses": judge_addresses,
    "ports": judge_ports,
    "meta": judge_meta,
    "tags": judge_tags,
    "names": _judge_names,
    "upstreams": _judge_upstreams,
}
