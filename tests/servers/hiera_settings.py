"""Read the `keys` of a hiera output, as a configuration has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from frostline.config.cursor import ParseState
from frostline.config.yaml_reader import read_yaml
from frostline.outputs.hiera.keys import ParameterKeys, read_keys


def parameter_keys(keys: Mapping[str, Any]) -> ParameterKeys:
    """Read this mapping as `keys` in line 1 of frostline.yaml."""
    state = ParseState(read_yaml(f"keys: {json.dumps(keys)}\n".encode(), "frostline.yaml"))
    cursor = state.top().get("keys")
    assert cursor is not None
    found = read_keys(cursor)
    assert state.errors == []
    return found
