"""A root folder with what an earlier run published."""

from pathlib import Path

import pytest
from publish_runs import OLD, run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    run(path, OLD)
    return path
