from __future__ import annotations

from collections.abc import Iterator

import pytest
from consul_replay import Replay, serving


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[list[Replay], str]]:
    with serving() as server:
        yield server


@pytest.fixture
def replay(listening: tuple[list[Replay], str]) -> Replay:
    now, address = listening
    now[:] = [Replay()]
    now[0].address = address
    return now[0]
