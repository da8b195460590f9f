"""The policies that look at each registered instance: addresses, ports, meta, tags."""

from __future__ import annotations

from functools import cache

from frostline.checks.policies.address_sets import addresses, holds, known_address, port_ranges
from frostline.checks.policies.judge import Judge, Violation, judge_endpoints
from frostline.model import Endpoint
from frostline.rules import Rule
from frostline.settings import PolicySetting
from frostline.text import list_names, shorten

ADDRESSES = Rule(
    name="addresses",
    summary="an instance has an address that the policy `addresses` does not allow",
    why="An instance that registers from a wrong network, or with a loopback or link-local address, would be published "
    "and called by everybody. A spelling that only some clients read as an IP address (`127.1`, `0x7f.1`) could "
    "bypass a denied network, so it is always a finding.",
    example="mesh(datacenter=dc1, node=n1, id=payments-3): error[addresses]: payments v3: "
    "its address `10.9.0.1` is denied\n"
    "  help: correct the registration, or change `addresses` at frostline.yaml:60:7",
    mend="correct the registration, or change `addresses` under `checks.policies`",
)
PORTS = Rule(
    name="ports",
    summary="an instance has a port that the policy `ports` does not allow",
    why="A port outside the agreed range is often a debug or admin port, or one that no firewall rule covers.",
    example="mesh(datacenter=dc1, node=n1, id=ledger-1): error[ports]: Ledger: its port 9000 is denied\n"
    "  help: correct the registration, or change `ports` at frostline.yaml:60:7",
    mend="correct the registration, or change `ports` under `checks.policies`",
)
META = Rule(
    name="meta",
    summary="an instance lacks a meta key that the policy `meta` requires",
    why=(
        "Whoever reads the registry relies on these keys, such as an owner to call at night. An instance without "
        "them was usually registered by hand or by an old job."
    ),
    example="mesh(datacenter=dc1, node=n1, id=payments-1): error[meta]: payments v1: it has no meta `team`\n"
    "  help: correct the registration, or change `meta` at frostline.yaml:60:7",
    mend="correct the registration, keep the key (`keep.meta`), or change `meta` under `checks.policies`",
)
TAGS = Rule(
    name="tags",
    summary="an instance lacks a tag that the policy `tags` requires",
    why="Outputs and programs choose instances by tags. They would leave out an instance without its tag, or call it "
    "where they should not.",
    example="mesh(datacenter=dc1, node=n1, id=ledger-1): warning[tags]: Ledger: it has no tag `api`\n"
    "  help: correct the registration, or change `tags` at frostline.yaml:60:7",
    mend="correct the registration, keep the tag (`keep.tags`), or change `tags` under `checks.policies`",
)
RULES = (ADDRESSES, PORTS, META, TAGS)


def judge_addresses(setting: PolicySetting) -> Judge:
    """{allow: [network or glob], deny: […]}: networks contain IP addresses, globs match host names."""
    allow = addresses(setting.value["allow"]) if "allow" in setting.value else None
    deny = addresses(setting.value.get("deny", ()))

    @cache
    def violation_of(text: str) -> Violation | None:
        shown = shorten(text)
        address = known_address(text)
        if address is None:
            return f"its address `{shown}` is neither an IP address nor a host name", shown
        if holds(deny, address):
            return f"its address `{shown}` is denied", shown
        if allow is not None and not holds(allow, address):
            return f"its address `{shown}` is not allowed", shown
        return None

    return judge_endpoints(ADDRESSES, setting, lambda endpoint: violation_of(endpoint.address))


def judge_ports(setting: PolicySetting) -> Judge:
    """{allow: [range], deny: [range]}."""
    allow = port_ranges(setting.value["allow"]) if "allow" in setting.value else None
    deny = port_ranges(setting.value.get("deny", ()))

    def violation_of(endpoint: Endpoint) -> Violation | None:
        port = endpoint.port
        if any(low <= port <= high for low, high in deny):
            return f"its port {port} is denied", str(port)
        if allow is not None and not any(low <= port <= high for low, high in allow):
            return f"its port {port} is not allowed", str(port)
        return None

    return judge_endpoints(PORTS, setting, violation_of)


def judge_meta(setting: PolicySetting) -> Judge:
    """{required: [key]}."""
    required = tuple(setting.value["required"])

    def violation_of(endpoint: Endpoint) -> Violation | None:
        missing = [key for key in required if key not in endpoint.meta]
        return (f"it has no meta {list_names(missing, 'or')}", ", ".join(missing)) if missing else None

    return judge_endpoints(META, setting, violation_of)


def judge_tags(setting: PolicySetting) -> Judge:
    """{required: [tag]}."""
    required = tuple(setting.value["required"])

    def violation_of(endpoint: Endpoint) -> Violation | None:
        missing = [tag for tag in required if tag not in endpoint.tags]
        return (f"it has no tag {list_names(missing, 'or')}", ", ".join(missing)) if missing else None

    return judge_endpoints(TAGS, setting, violation_of)
