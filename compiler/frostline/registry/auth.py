"""The authentication scheme of each (service, version): which names the sources give it, and whether they agree.

A scheme is a name such as `hmac-2`. A program looks up by this name how to authenticate and with which secret. The
registry holds no secret itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from frostline.auth_names import NAME_HELP, fault_of_auth_name
from frostline.model import Contribution, Endpoint, Finding, InstanceOrigin, Key, NamedAuth, Origin, Snapshot
from frostline.registry.naming import Splitter
from frostline.rules import Rule

DIFFERENT = Rule(
    name="auth-different",
    summary="a (service, version) has two different authentication schemes",
    why="A program chooses by the scheme how it authenticates, before it knows which endpoint it calls. With the wrong "
    "scheme it would send a secret to somebody who should not see it, or be turned away.",
    example="frostline.yaml:9:3: error[auth-different]: pay v1: "
    "its authentication scheme is `basic` here, and `hmac` at mesh(datacenter=dc1, node=n, id=i1)\n"
    "  help: register the same scheme with all of its instances, or give instances with another scheme another version",
    mend="register the same scheme with all of its instances, or give instances with another scheme another version",
)
NOT_A_NAME = Rule(
    name="auth-name",
    summary="the name of an authentication scheme is invalid, or looks like a token or a key",
    why="The name is published in every output. A token, a password or a key does not belong there: programs read "
    "their own from their environment.",
    example="mesh(datacenter=dc1, node=n, id=i2): error[auth-name]: pay v1: "
    "the name of its authentication scheme looks like a token or a key\n"
    f"  help: {NAME_HELP}; one that has been registered must be replaced",
    mend=f"{NAME_HELP}; one that has been registered must be replaced",
)
RULES = (DIFFERENT, NOT_A_NAME)


def auths_of_endpoints(endpoints: Mapping[Key, Iterable[Endpoint]], meta_key: str) -> dict[Key, tuple[NamedAuth, ...]]:
    """The schemes that the endpoints' meta names under this key, each with the origin of the first such endpoint."""
    origins: dict[Key, dict[str, Origin]] = {}
    for key, key_endpoints in endpoints.items():
        for endpoint in key_endpoints:
            name = endpoint.meta.get(meta_key)
            if name and name not in origins.setdefault(key, {}):
                origins[key][name] = endpoint.origin
    return _named_auths(origins)


def auths_of_names(snapshots: Iterable[Snapshot], split: Splitter, meta_key: str) -> dict[Key, tuple[NamedAuth, ...]]:
    """The same as `auths_of_endpoints` for a source that freezes only names: read from its declared services."""
    origins: dict[Key, dict[str, Origin]] = {}
    for snapshot in snapshots:
        origin = InstanceOrigin(snapshot.source, snapshot.datacenter, snapshot.namespace)
        for declared in snapshot.declared:
            if name := declared.meta.get(meta_key):
                for key in split(declared.service, declared.tags, declared.meta):
                    origins.setdefault(key, {}).setdefault(name, origin)
    return _named_auths(origins)


def _named_auths(origins: Mapping[Key, Mapping[str, Origin]]) -> dict[Key, tuple[NamedAuth, ...]]:
    return {
        key: tuple(NamedAuth(name=name, origin=origin) for name, origin in by_name.items())
        for key, by_name in origins.items()
    }


def agreed_auth(key: Key, winners: Sequence[Contribution], findings: list[Finding]) -> str | None:
    """The scheme on which these contributions agree. None if they name none, or if they differ.

    Appends a finding for different schemes, and for each invalid name.
    """
    origins: dict[str, Origin] = {}
    for auth in (auth for winner in winners for auth in winner.auths.get(key, ())):
        fault = fault_of_auth_name(auth.name)
        if fault:
            findings.append(_finding(NOT_A_NAME, f"the name of its authentication scheme {fault}", key, auth.origin))
        else:
            origins.setdefault(auth.name, auth.origin)
    if len(origins) < 2:
        return next(iter(origins), None)
    (first, first_origin), (second, second_origin) = list(origins.items())[:2]
    message = f"its authentication scheme is `{second}` here, and `{first}` at {first_origin}"
    findings.append(_finding(DIFFERENT, message, key, second_origin))
    return None


def _finding(rule: Rule, message: str, key: Key, origin: Origin) -> Finding:
    return rule.finding(message, service=key.service, version=key.version, origin=origin)


def pass_on_auths(contributions: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The contributions, with the schemes of the sources behind a router added to the router's own.

    Where these schemes differ, `agreed_auth` reports it.
    """
    by_source = {contribution.source: contribution for contribution in contributions}

    def with_passed_on(contribution: Contribution) -> Contribution:
        passed_on = {
            key: tuple(auth for name in names if name in by_source for auth in by_source[name].auths.get(key, ()))
            for key, names in contribution.leads_to.items()
        }
        passed_on = {key: auths for key, auths in passed_on.items() if auths}
        return replace(contribution, auths={**passed_on, **contribution.auths}) if passed_on else contribution

    return tuple(map(with_passed_on, contributions))
