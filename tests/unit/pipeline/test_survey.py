from __future__ import annotations

from datetime import date
from typing import Any

from frostline.errors import SourceError
from frostline.pipeline.lock_update import update_lock
from frostline.pipeline.survey import survey_sources
from frostline.settings import Allow, Config
from frostline.sources.base import ReadResult


def test_every_source_has_its_state_and_a_failure_stops_no_other(live_config: Config, answers: Any) -> None:
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
