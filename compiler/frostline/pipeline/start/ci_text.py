"""The CI files that `frostline init` writes: a check of each change, and a freeze on a schedule."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.pipeline.start.surroundings import Host

INSTALL = "pip install frostline"

_GITHUB = f"""\
# Checks the registry of each change, without a network, and freezes it again once an hour.
name: registry
on:
  pull_request:
  schedule: [{{cron: "17 * * * *"}}]
  workflow_dispatch:

permissions:
  contents: read

jobs:
  check:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {{persist-credentials: false}}
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: {INSTALL} # or the wheel that you keep
      - run: frostline check --format github

  freeze:
    if: github.event_name != 'pull_request'
    runs-on: ubuntu-latest # a runner that reaches your Consul or Nomad
    steps:
      - uses: actions/checkout@v4
        with: {{persist-credentials: false}}
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: {INSTALL}
      - run: frostline plan # exits with 1 where the registry has moved: run `frostline compile`, and review it
"""

_GITLAB = f"""\
# Checks the registry of each change, without a network; a scheduled pipeline says whether it has moved.
registry:
  image: python:3.12
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - {INSTALL} # or the wheel that you keep
    - frostline check

registry-moved:
  image: python:3.12 # its runner must reach your Consul or Nomad
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
  script:
    - {INSTALL}
    - frostline plan # exits with 1 where the registry has moved: run `frostline compile`, and review it
"""

CI_FILES: Mapping[Host, tuple[str, str]] = {
    "github": (".github/workflows/registry.yml", _GITHUB),
    "gitlab": (".gitlab-ci.yml", _GITLAB),
}
"""Path and text of the file of each host."""
