from __future__ import annotations

from collections.abc import Iterator

import pytest
from nomad_reads import small_region
from nomad_replay import NomadReplay


@pytest.fixture
def replay() -> Iterator[NomadReplay]:
    server = NomadReplay()
    yield server
    server.stop()
    assert server.unknown == []


@pytest.fixture
def region() -> Iterator[NomadReplay]:
    """Serve one namespace with one service, `web`, and one job, `shop`, with one upstream."""
    with small_region() as server:
        yield server
