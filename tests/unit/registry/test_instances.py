"""Endpoints of instances: made together where nothing is odd, else one by one, with a finding for each without one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from frostline.model import Finding, Instance, Key
from frostline.registry.instances import Place, judged_endpoints, plain_endpoints
from frostline.registry.urls import UrlMaker
from frostline.settings import Naming, SchemeRule

KEY = Key("payments", "v1")
PLACE = Place("mesh", "dc1", "default")
BASE = "{scheme}://{address}:{port}"
INSTANCES = st.builds(
    Instance,
    service=st.just("payments"),
    node=st.just("n1"),
    id=st.just("i"),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2", "::1", "0::1", "0.0.0.0", "..", "a b", ""]),
    port=st.sampled_from([80, 80, 80, 65535, 0, -1, 65536]),
    meta=st.sampled_from([{}, {}, {"scheme": "https"}, {"scheme": "no scheme"}, {"p": "x"}]),
    tags=st.sampled_from([(), ("tls",)]),
    weight=st.integers(0, 3),
)
PATTERNS = [
    BASE,
    f"{BASE}/{{version}}",
    f"{BASE}/../x",
    f"{BASE}/%2e%2E/x",
    f"{BASE}/{{node}}",
    f"{BASE}{{+meta[p]|/}}",
    "http://r",
]
SCHEMES = [Naming().scheme, (SchemeRule(tag="tls", scheme="https"), SchemeRule(scheme="http"))]


@given(st.sampled_from(PATTERNS), st.sampled_from(SCHEMES), st.lists(INSTANCES, min_size=1, max_size=3))
def test_endpoints_made_together_are_those_made_one_by_one_or_none(
    pattern: str, scheme: tuple[SchemeRule, ...], instances: list[Instance]
) -> None:
    filled = UrlMaker(Naming(url=pattern, scheme=scheme)).filled(KEY, "dc1", "default")
    findings: list[Finding] = []
    one_by_one = list(judged_endpoints(KEY, instances, filled, PLACE, findings))
    together = plain_endpoints(instances, filled, PLACE)
    assert together is None or (together == one_by_one and not findings)
    assert all(0 <= endpoint.port <= 65535 for endpoint in one_by_one)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert len(one_by_one) + len(errors) == len(instances)


def test_the_endpoints_of_ordinary_instances_are_made_together() -> None:
    filled = UrlMaker(Naming()).filled(KEY, "dc1", "default")
    instance = Instance(service="payments-v1", node="n1", id="i", address="10.0.0.1", port=8080)
    made = plain_endpoints([instance] * 2, filled, PLACE)
    assert made is not None
    assert [(one.url, one.address, one.datacenter) for one in made] == [
        ("http://10.0.0.1:8080/v1", "10.0.0.1", "dc1")
    ] * 2
