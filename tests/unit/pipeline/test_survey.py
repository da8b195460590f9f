from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from frostline.errors import SourceError, UsageError
from frostline.pipeline.publish.lock_update import update_lock
from frostline.pipeline.survey import policies_of, survey_sources
from frostline.settings import Allow, Config
from frostline.sources.base import ReadResult


def test_every_source_has_a_state_and_a_failing_source_stops_no_other(live_config: Config, answers: Any) -> None:
    answers.of["mesh"] = SourceError("down")
    answers.give("west", "c", "d", warnings=("mind this",))
    survey = survey_sources(live_config)
    assert [(state.source, state.type, state.state, state.sees) for state in survey.states] == [
        ("mesh", "consul", "cannot be read", ""),
        ("partners", "static", "local", "1 service"),
        ("west", "consul", "can be read", "dc1: 2 services, 2 instances"),
    ]
    assert [error.message for error in survey.errors] == ["down"]
    assert survey.warnings == ("mind this",)


def test_an_unreachable_datacenter_shows_what_the_lock_keeps(live_config: Config, answers: Any) -> None:
    update_lock(live_config, Allow(), date(2026, 1, 1))
    answers.of["mesh"] = ReadResult(answers=(), unreachable=("dc1",))
    state = survey_sources(live_config).states[0]
    assert (state.state, state.sees) == ("not reached, kept as locked", "dc1: 2 services, 2 instances")


def test_each_live_source_has_a_policy_and_a_local_one_has_none(live_config: Config) -> None:
    assert [(policy.source, policy.type) for policy in policies_of(live_config)] == [
        ("mesh", "consul"),
        ("west", "consul"),
    ]
    assert [policy.source for policy in policies_of(live_config, "west")] == ["west"]


@pytest.mark.parametrize(
    ("name", "message", "help"),
    [
        ("mehs", "the source `mehs` is not in the configuration", "did you mean `mesh`?"),
        ("partners", "asks no server, so it needs no policy", "the sources that ask a server are `mesh` and `west`"),
    ],
)
def test_a_policy_of_another_source_is_refused(live_config: Config, name: str, message: str, help: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        policies_of(live_config, name)
    assert caught.value.help == help
