"""What a function is: parameters with their types, and Python code from values to a value."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from frostline.hcl.values import DYNAMIC, Type, Value


class FunctionError(Exception):
    """Why a call fails. argument: which of the call's arguments is to blame (from 0); None: the call as a whole."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class Parameter(Struct, frozen=True):
    """name: for messages. type: what an argument is converted to; DYNAMIC: taken as it is. null: whether it may be."""

    name: str
    type: Type = DYNAMIC
    null: bool = False


class Function(Struct, frozen=True):
    """call: given the arguments, converted, in order (those of `variadic` after them); returns the result.

    Evaluation has checked number, types and null before the call, as cty does (function.Function.Call).
    """

    parameters: tuple[Parameter, ...]
    call: Callable[..., Value]
    variadic: Parameter | None = None
