from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from frostline.model import FileOrigin, Key
from frostline.registry.configured_consumers import Call, calls_of, consumers_by_key, unmatched_findings
from frostline.settings import CalledGlob, Consumer, PolicySetting

PAYMENTS, PAYMENTS2, LEDGER = Key("payments", "v1"), Key("payments", "v2"), Key("ledger", None)
KEYS = (PAYMENTS, PAYMENTS2, LEDGER)


def consumer(*globs: str, name: str = "shop") -> Consumer:
    calls = tuple(CalledGlob(glob, FileOrigin("frostline.yaml", 9, number)) for number, glob in enumerate(globs, 10))
    return Consumer(name=name, calls=calls)


@pytest.mark.parametrize(
    ("globs", "called"),
    [
        (["payments/v1"], [PAYMENTS]),
        (["payments"], [PAYMENTS, PAYMENTS2]),
        (["payments/*"], [PAYMENTS, PAYMENTS2]),
        (["ledger/*"], [LEDGER]),
        (["ledger/unversioned"], [LEDGER]),
        (["*/v1"], [PAYMENTS]),
        (["*", "!payments/v2"], [LEDGER, PAYMENTS]),
        (["!payments", "*"], [LEDGER, PAYMENTS, PAYMENTS2]),
        (["*", "!payments", "payments/v2"], [LEDGER, PAYMENTS2]),
        (["Payments"], [Key("Payments", None)]),
        (["a/b/v3"], [Key("a/b", "v3")]),
        (["gone/*"], []),
        (["payments/v9", "!payments/v9"], [Key("payments", "v9")]),
        ([], []),
    ],
)
def test_globs_name_what_is_called(globs: list[str], called: list[Key]) -> None:
    assert [call.key for call in calls_of([consumer(*globs)], KEYS)] == called


def test_a_call_has_the_place_of_the_glob_that_decides() -> None:
    assert calls_of([consumer("payments/v1", "*")], [PAYMENTS]) == (
        Call("shop", PAYMENTS, FileOrigin("frostline.yaml", 9, 11)),
    )


def test_the_consumers_of_a_key_are_sorted() -> None:
    consumers = [consumer("*", name="web"), consumer("payments/v1", name="app")]
    assert consumers_by_key(consumers, KEYS) == {PAYMENTS: ("app", "web"), PAYMENTS2: ("web",), LEDGER: ("web",)}
    assert consumers_by_key([], KEYS) == {}


def test_what_matches_nothing_reads_as_recorded(matches_golden: Any) -> None:
    consumers = [
        consumer("payments/v9", "cart/*", "!nothing", "*"),
        consumer("LEDGER", "a\x1b[31m`b/v1", name="re\x1bports"),
    ]
    matches_golden("consumers-unmatched", unmatched_findings(consumers, KEYS, None))


def test_the_policy_of_upstreams_says_how_bad_it_is() -> None:
    for severity in ("error", "warning"):
        policy = PolicySetting(value="resolve", origin=FileOrigin("frostline.yaml"), severity=severity)  # type: ignore[arg-type]
        [finding] = unmatched_findings([consumer("payments/v9")], KEYS, policy)
        assert (finding.severity, finding.service, finding.version) == (severity, "payments", "v9")


def test_ten_thousand_services_and_a_hundred_consumers_take_no_time() -> None:
    keys = [Key(f"service-{number}", "v1") for number in range(10_000)]
    consumers = [consumer(*(f"service-{n * 50 + k}/v1" for k in range(50)), name=f"c{n}") for n in range(100)]
    consumers += [consumer(f"service-{n}*", name=f"g{n}") for n in range(10, 60)]
    begin = process_time()
    assert len(calls_of(consumers, keys)) == 5000 + 50 * 111
    assert process_time() - begin < 1
