from __future__ import annotations

from frostline.model import Bind, Dependency, Entry, Key, Registry, Upstream, registry_of

V1, UNVERSIONED = Key("payments", "v1"), Key("payments", None)
ENTRY = Entry(url=None, endpoints=(), sources=("mesh",))


def dependency(job: str, key: Key, **more: str) -> Dependency:
    upstream = Upstream(namespace="default", job=job, group="web", destination=key.service, bind=Bind(port=1), **more)
    return Dependency(upstream=upstream, source="mesh", service=key.service, version=key.version)


def consumers(registry: Registry, key: Key) -> list[str]:
    return [dependency.upstream.consumer for dependency in registry.dependents(key)]


def test_keys_sort_by_service_and_then_the_unversioned_one_before_all_versions() -> None:
    keys = [Key("a-b", None), Key("a", ""), Key("a", "v1"), Key("a", None), Key("B", "v9"), Key("a", "V2")]
    assert sorted(keys, key=Key.sort_key) == [
        Key("B", "v9"),
        Key("a", None),
        Key("a", ""),
        Key("a", "V2"),
        Key("a", "v1"),
        Key("a-b", None),
    ]


def test_a_registry_yields_its_entries_in_the_order_of_their_keys() -> None:
    keys = [V1, Key("billing", "v2"), UNVERSIONED, Key("billing", "v10")]
    registry = registry_of(dict.fromkeys(keys, ENTRY))
    assert [key for key, _ in registry.entries()] == sorted(keys, key=Key.sort_key)


def test_get_tells_apart_versions_and_gives_none_for_an_unknown_key() -> None:
    other = Entry(url=None, endpoints=(), sources=("jobs",))
    registry = registry_of({V1: ENTRY, UNVERSIONED: other})
    assert (registry.get(V1), registry.get(UNVERSIONED)) == (ENTRY, other)
    assert (registry.get(Key("payments", "v2")), registry.get(Key("billing", "v1"))) == (None, None)


def test_dependents_are_the_consumers_of_that_version_alone() -> None:
    registry = registry_of(
        {V1: ENTRY}, [dependency("shop", V1), dependency("blog", V1), dependency("old", UNVERSIONED)]
    )
    assert consumers(registry, V1) == ["default:blog/web", "default:shop/web"]
    assert consumers(registry, UNVERSIONED) == ["default:old/web"]


def test_an_upstream_that_is_looked_up_elsewhere_depends_on_nothing_here() -> None:
    in_peer, prepared = dependency("a", V1, peer="west"), dependency("b", V1, kind="prepared_query")
    assert consumers(registry_of({V1: ENTRY}, [in_peer, prepared]), V1) == []
