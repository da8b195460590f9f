"""Functions that are refused, because their results differ between runs or machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.values import DYNAMIC, Value

_REASONS = {
    "abspath": "the path depends on the machine",
    "bcrypt": "its salt is random",
    "pathexpand": "the home folder depends on the machine",
    "rsadecrypt": "it needs a private key, which does not belong in a job file",
    "uuidv4": "it is random",
}


def _refuse(reason: str) -> Callable[..., Value]:
    def refuse(*_: Value) -> Value:
        raise FunctionError(f"{reason}, and a frozen registry must be reproducible")

    return refuse


FUNCTIONS: Mapping[str, Function] = {
    name: Function((), _refuse(reason), Parameter("args", DYNAMIC, null=True)) for name, reason in _REASONS.items()
}
