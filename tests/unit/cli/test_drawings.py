from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from frostline.cli.drawings import FORMS, dot_lines, mermaid_lines, text_lines
from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Registry, Upstream, registry_of
from frostline.registry.declaring import dependencies_of
from frostline.settings import Naming
from frostline.text import escape_control

PLACE = FileOrigin("jobs/shop.nomad.hcl", 12, 5)
SERVED = Endpoint(url="http://a/v1", address="a", port=80, source="mesh")


def dependency(
    destination: str, *, job: str = "shop", group: str = "web", region: str = "", peer: str = "", socket: str = ""
) -> Dependency:
    bind = Bind(socket=socket) if socket else Bind(address="127.0.0.1", port=9101)
    up = Upstream(
        namespace="default", job=job, group=group, destination=destination, bind=bind, region=region, peer=peer
    )
    return dependencies_of("jobs", [(up, PLACE)], Naming())[0]


def registry(*upstreams: Dependency) -> Registry:
    entries = {
        ("payments", "v1"): Entry(url=SERVED.url, endpoints=(SERVED,), sources=("mesh",)),
        ("ledger", None): Entry(url=None, endpoints=(), sources=("mesh",)),
    }
    return registry_of(entries, upstreams)


SHOP = registry(
    dependency("payments-v1"),
    dependency("ledger"),
    dependency("stock", job="cart", region="global"),
    dependency("far", peer="west", socket="/s.sock"),
)


def test_the_text_shows_what_each_consumer_calls_and_what_is_wrong_with_it() -> None:
    assert list(text_lines(SHOP)) == [
        "default:shop/web",
        "  -> far unversioned  at unix:///s.sock  (looked up elsewhere)",
        "  -> ledger unversioned  at http://127.0.0.1:9101  (nothing to call)",
        "  -> payments v1  at http://127.0.0.1:9101/v1",
        "default:cart/web (region global)",
        "  -> stock unversioned  at http://127.0.0.1:9101  (not in the registry)",
    ]


def test_dot_draws_unserved_services_with_dashed_edges() -> None:
    lines = list(dot_lines(SHOP))
    assert lines[0] == "digraph frostline {"
    assert lines[-1] == "}"
    assert '  "job default:shop/web" -> "version 2 payments v1";' in lines
    assert '  "job default:cart/web in global" -> "service stock" [style=dashed];' in lines


def test_mermaid_numbers_its_nodes() -> None:
    lines = list(mermaid_lines(registry(dependency("payments-v1"), dependency("stock"))))
    assert lines == [
        "flowchart LR",
        '  c0["default:shop/web"]',
        '  s0(["stock unversioned"])',
        '  s1(["payments v1"])',
        "  c0 --> s1",
        "  c0 -.-> s0",
    ]


def of_sidecar(destination: str, bind: Bind, service: str = "web") -> Dependency:
    up = Upstream(namespace="default", service=service, region="dc1", destination=destination, bind=bind)
    return dependencies_of("mesh", [(up, None)], Naming())[0]


def test_a_service_with_sidecars_is_a_consumer_too() -> None:
    drawn = registry(of_sidecar("payments-v1", Bind(address="127.0.0.1", port=9101)), of_sidecar("ledger", Bind()))
    assert list(text_lines(drawn)) == [
        "default:web (datacenter dc1)",
        "  -> ledger unversioned  (nothing to call)",
        "  -> payments v1  at http://127.0.0.1:9101/v1",
    ]
    assert '  "consumer default:web in dc1" -> "version 2 payments v1";' in list(dot_lines(drawn))
    both = registry(
        of_sidecar("ledger", Bind(), service="shop/web"), dependency("ledger", job="shop", group="web", region="dc1")
    )
    assert len([line for line in dot_lines(both) if "shape=box" in line]) == 2
    assert len([line for line in mermaid_lines(both) if line.startswith("  c") and "[" in line]) == 2


def test_a_job_and_a_service_of_the_same_name_are_two_nodes() -> None:
    lines = list(dot_lines(registry(dependency("a version b"), dependency("a-v1"))))
    assert len([line for line in lines if "shape=ellipse" in line]) == 2


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_hostile_names_stay_in_their_strings(job: str, destination: str) -> None:
    drawn = registry(dependency(destination, job=job))
    for form in FORMS.values():
        assert all(escape_control(line) == line for line in form(drawn))
    for line in dot_lines(drawn):
        bare = line.replace("\\\\", "").replace('\\"', "")
        assert bare.count('"') % 2 == 0
    for line in list(mermaid_lines(drawn))[1:3]:
        assert line.count('"') == 2
        assert not set("<>&`|{}") & set(line)
