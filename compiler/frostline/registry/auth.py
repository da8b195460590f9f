"""The authentication scheme of each (service, version): what sources say of it, and whether they agree.

A scheme is a name such as `hmac-2`, by which a program looks up how to authenticate and with what. No secret is here.
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
    summary="two authentication schemes are named for one (service, version)",
    why="A program chooses by it how it authenticates, before it knows which endpoint it calls. With the wrong scheme "
    "it sends a secret to somebody who should not see it, or is turned away.",
    example="frostline.yaml:9:3: error[auth-different]: pay v1: "
    "its authentication scheme is `basic` here, and `hmac` at mesh(datacenter=dc1, node=n, id=i1)\n"
    "  help: register the same scheme with all of its instances, or give those of another one another version",
    mend="register the same scheme with all of its instances, or give those of another one another version",
)
NOT_A_NAME = Rule(
    name="auth-name",
    summary="what should name an authentication scheme is no name, or looks like a token or a key",
    why="The name is published in every output. A token, a password or a key does not belong there: programs have "
    "theirs from their own environment.",
    example="mesh(datacenter=dc1, node=n, id=i2): error[auth-name]: pay v1: "
    "the name of its authentication scheme looks like a token or a key\n"
    f"  help: {NAME_HELP}; one that has been registered must be replaced",
    mend=f"{NAME_HELP}; one that has been registered must be replaced",
)
RULES = (DIFFERENT, NOT_A_NAME)


def auths_of_endpoints(endpoints: Mapping[Key, Iterable[Endpoint]], meta_key: str) -> dict[Key, tuple[NamedAuth, ...]]:
    """The schemes that this meta key of the endpoints names, each with the first endpoint that does."""
    found: dict[Key, dict[str, Origin]] = {}
    for key, key_endpoints in endpoints.items():
        for endpoint in key_endpoints:
            name = endpoint.meta.get(meta_key)
            if name and name not in found.setdefault(key, {}):
                found[key][name] = endpoint.origin
    return _said(found)


def auths_of_names(snapshots: Iterable[Snapshot], split: Splitter, meta_key: str) -> dict[Key, tuple[NamedAuth, ...]]:
    """The schemes that this meta key of declared services names, of a source that freezes names alone."""
    found: dict[Key, dict[str, Origin]] = {}
    for snapshot in snapshots:
        origin = InstanceOrigin(snapshot.source, snapshot.datacenter, snapshot.namespace)
        for line in snapshot.declared:
            if name := line.meta.get(meta_key):
                for key in split(line.service, line.tags, line.meta):
                    found.setdefault(key, {}).setdefault(name, origin)
    return _said(found)


def _said(found: Mapping[Key, Mapping[str, Origin]]) -> dict[Key, tuple[NamedAuth, ...]]:
    return {
        key: tuple(NamedAuth(name=name, origin=origin) for name, origin in names.items())
        for key, names in found.items()
    }


def agreed_auth(key: Key, winners: Sequence[Contribution], findings: list[Finding]) -> str | None:
    """The one scheme that these name; None where they name none, or several: a finding is then appended."""
    said = [auth for winner in winners for auth in winner.auths.get(key, ())]
    names: dict[str, Origin] = {}
    for auth in said:
        fault = fault_of_auth_name(auth.name)
        if fault:
            findings.append(_finding(NOT_A_NAME, f"the name of its authentication scheme {fault}", key, auth.origin))
        else:
            names.setdefault(auth.name, auth.origin)
    if len(names) < 2:
        return next(iter(names), None)
    (first, place), (second, other_place) = list(names.items())[:2]
    message = f"its authentication scheme is `{second}` here, and `{first}` at {place}"
    findings.append(_finding(DIFFERENT, message, key, other_place))
    return None


def _finding(rule: Rule, message: str, key: Key, origin: Origin) -> Finding:
    return rule.finding(message, service=key.service, version=key.version, origin=origin)


def pass_on_auths(contributions: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The contributions, where what leads to the services of others has the schemes of these: a router passes them on.

    Two of them may differ: that is for `agreed_auth` to say.
    """
    by_source = {contribution.source: contribution for contribution in contributions}

    def with_theirs(contribution: Contribution) -> Contribution:
        theirs = {
            key: tuple(auth for name in names if name in by_source for auth in by_source[name].auths.get(key, ()))
            for key, names in contribution.leads_to.items()
        }
        theirs = {key: auths for key, auths in theirs.items() if auths}
        return replace(contribution, auths={**theirs, **contribution.auths}) if theirs else contribution

    return tuple(map(with_theirs, contributions))
