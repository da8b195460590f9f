"""The description of a function: its parameters with their types, and the Python code that computes its result."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from frostline.hcl.values import DYNAMIC, Type, Value

Spend = Callable[[int], None]
"""Takes steps from the budget of the source. Raises BudgetError if it is used up."""


class FunctionError(Exception):
    """A call fails. argument: the index of the wrong argument; None if the call as a whole is wrong."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class Parameter(Struct, frozen=True):
    """A parameter of a function.

    name: for messages. type: the argument is converted to it; DYNAMIC: it stays as it is. null: whether it may be null.
    """

    name: str
    type: Type = DYNAMIC
    null: bool = False


class Function(Struct, frozen=True):
    """A function.

    call: takes the converted arguments in order, those of `variadic` last; returns the result. Before the call, the
    evaluation checks the number and types of arguments, and null, like cty (function.Function.Call). If an argument is
    unknown, the result is unknown without a call.
    partly: the function accepts known collections with unknown elements.
    counted: the work is not proportional to arguments and result, so `call` takes a Spend before the arguments.
    """

    parameters: tuple[Parameter, ...]
    call: Callable[..., Value]
    variadic: Parameter | None = None
    partly: bool = False
    counted: bool = False
