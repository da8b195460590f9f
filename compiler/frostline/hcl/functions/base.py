"""Functions: parameters with their types, and Python code from values to a value."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from frostline.hcl.values import DYNAMIC, Type, Value

Spend = Callable[[int], None]
"""Takes steps from the budget of the source. BudgetError: it is used up."""


class FunctionError(Exception):
    """A call fails. argument: the index of the argument that is to blame; None: the call as a whole."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class Parameter(Struct, frozen=True):
    """name: for messages. type: of the converted argument; DYNAMIC: not converted. null: whether null is allowed."""

    name: str
    type: Type = DYNAMIC
    null: bool = False


class Function(Struct, frozen=True):
    """call: takes the converted arguments in order, those of `variadic` last; returns the result.

    The evaluation checks number, types and null before the call, as cty does (function.Function.Call). Where an
    argument is unknown, so is the result. partly: the function takes known collections with unknown elements.
    counted: the work is not in proportion to arguments and result; `call` takes a Spend before the arguments.
    """

    parameters: tuple[Parameter, ...]
    call: Callable[..., Value]
    variadic: Parameter | None = None
    partly: bool = False
    counted: bool = False
