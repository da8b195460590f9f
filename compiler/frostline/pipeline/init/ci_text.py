"""The CI files that `frostline init` writes: a check of each change, and a freeze on a schedule."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.pipeline.init.surroundings import Host

_WHERE = "what pip installs: the path or URL of a wheel, or git+https://…"
_INSTALL = 'pip install "${FROSTLINE:?set this variable of CI}"'
"""It names no package: anybody could register that name at a public index, and CI would run their code."""

_GITHUB = f"""\
# Checks the registry of each change, without a network, and says once an hour whether it has moved.
# `frostline-ci` can keep a pull request with what moved: see docs/ci.md in frostline's repository.
name: registry
on:
  pull_request:
  schedule: [{{cron: "17 * * * *"}}]
  workflow_dispatch:

permissions:
  contents: read

env:
  FROSTLINE: ${{{{ vars.FROSTLINE }}}} # {_WHERE}

jobs:
  check:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {{persist-credentials: false}}
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: {_INSTALL}
      - run: frostline check --format github

  freeze:
    if: github.event_name != 'pull_request'
    runs-on: ubuntu-latest # a runner that reaches your Consul or Nomad
    steps:
      - uses: actions/checkout@v4
        with: {{persist-credentials: false}}
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: {_INSTALL}
      - run: frostline plan # exits with 1 where the registry has moved: run `frostline compile`, and review it
"""

_GITLAB = f"""\
# Checks the registry of each change, without a network; a scheduled pipeline says whether it has moved.
# `frostline-ci` can keep a merge request with what moved: see docs/ci.md in frostline's repository.
registry:
  image: python:3.12
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - {_INSTALL} # {_WHERE}
    - frostline check

registry-moved:
  image: python:3.12 # its runner must reach your Consul or Nomad
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
  script:
    - {_INSTALL}
    - frostline plan # exits with 1 where the registry has moved: run `frostline compile`, and review it
"""

CI_FILES: Mapping[Host, tuple[str, str]] = {
    "github": (".github/workflows/registry.yml", _GITHUB),
    "gitlab": (".gitlab-ci.yml", _GITLAB),
}
"""Host -> path and text of its CI file."""
