"""The form of a policy: a function that turns its setting into a judge, which finds the policy's violations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from frostline.model import Endpoint, Entry, Finding, Key, Origin, Registry
from frostline.rules import Rule
from frostline.settings import PolicySetting
from frostline.text import pluralize

MOST_FOR_KEY = 20
"""The most findings of one policy for one (service, version); one more finding counts the rest."""

Judge = Callable[[Registry], Iterable[Finding]]
Policy = Callable[[PolicySetting], Judge]
Violation = tuple[str, str]
"""How an endpoint violates a policy: (message, violating value)."""


def policy_finding(
    rule: Rule,
    setting: PolicySetting,
    key: Key | None,
    message: str,
    *,
    help: str,
    value: str | None = None,
    origin: Origin | None = None,
) -> Finding:
    """A finding with the policy's severity.

    key: None if it is about the whole registry. origin: by default the setting's.
    """
    service, version = key or (None, None)
    return rule.finding(
        message,
        severity=setting.severity,
        service=service,
        version=version,
        value=value,
        origin=origin or setting.origin,
        help=help,
    )


def judge_endpoints(rule: Rule, setting: PolicySetting, violation_of: Callable[[Endpoint], Violation | None]) -> Judge:
    """The judge of a policy that looks at each registered instance by itself."""
    help_text = f"correct the registration, or change `{rule.name}` at {setting.origin}"

    def judge(registry: Registry) -> Iterator[Finding]:
        for key, entry in registry.entries():
            registered = [endpoint for endpoint in entry.endpoints if is_registered(endpoint)]
            violations = [
                (endpoint, violation) for endpoint in registered if (violation := violation_of(endpoint)) is not None
            ]
            for endpoint, (message, value) in violations[:MOST_FOR_KEY]:
                yield policy_finding(rule, setting, key, message, value=value, origin=endpoint.origin, help=help_text)
            if len(violations) > MOST_FOR_KEY:
                more = pluralize(len(violations) - MOST_FOR_KEY, "more endpoint")
                yield policy_finding(rule, setting, key, f"{more} of it violate `{rule.name}`", help=help_text)

    return judge


def is_registered(endpoint: Endpoint) -> bool:
    """Whether a live source knows the endpoint. One that the configuration itself states has no datacenter."""
    return bool(endpoint.datacenter)


def is_configured(entry: Entry) -> bool:
    """Whether the configuration itself states all endpoints of the entry, as for a static service or a router."""
    return bool(entry.endpoints) and not any(is_registered(endpoint) for endpoint in entry.endpoints)


def first_origin(versions: Mapping[str | None, Entry], setting: PolicySetting) -> Origin:
    """The origin of the first endpoint of a service; the setting's if the service has no endpoint."""
    return next((endpoint.origin for entry in versions.values() for endpoint in entry.endpoints), setting.origin)
