"""The sources that a first configuration may have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from frostline.pipeline.init.candidates import candidates
from frostline.pipeline.init.surroundings import look_around


@pytest.mark.parametrize(("number", "variable"), [(0, "CONSUL_HTTP_TOKEN"), (1, "NOMAD_TOKEN")])
def test_the_token_of_a_server_is_a_key_if_it_is_there_and_else_a_comment(
    tmp_path: Path, number: int, variable: str
) -> None:
    around, key = look_around(tmp_path), {"token": {"env": variable}}
    given = candidates(around, {variable: "secret"})[number]
    assert key in [yaml.safe_load(line) for line in given.keys]
    assert key not in [yaml.safe_load(line) for line in given.hints]
    missing = candidates(around, {})[number]
    assert key not in [yaml.safe_load(line) for line in missing.keys]
    assert key in [yaml.safe_load(line) for line in missing.hints]
