from __future__ import annotations

import json
from pathlib import Path

import pytest

from frostline.errors import UsageError
from frostline.pipeline.load.config import load_config
from frostline.sources.jobspec.job_files import find_job_files
from frostline.sources.jobspec.settings import JobspecSettings


def test_a_folder_among_files_is_refused_with_a_glob_for_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    config = {"sources": {"jobs": {"type": "jobspec", "files": ["jobs/"]}}}
    (tmp_path / "frostline.yaml").write_text(json.dumps(config))
    settings = load_config(tmp_path / "frostline.yaml").sources["jobs"]
    assert isinstance(settings, JobspecSettings)
    with pytest.raises(UsageError, match="`jobs/`: it is a folder") as raised:
        find_job_files(settings)
    assert raised.value.help == "write a glob for the files in it, such as `jobs/**/*.nomad.hcl`"
