"""The scope of an evaluation: variables, functions, and the budget of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from frostline.hcl.functions.base import Function
from frostline.hcl.nodes import Traversal
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import Value
from frostline.hcl.weights import extent
from frostline.model import FileOrigin

# Limits of a source's evaluation, see Budget.
MOST_STEPS = 500_000
STEPS_OF_A_FILE = 2_000
_MOST_LEVELS = 100
_LONGEST_NAME = 60

Undefined = Callable[[Traversal, Source], Value | None]
"""Gives the value of a variable that the scope does not have, with its literal steps; None if it is an error."""


class BudgetError(HclError):
    """An evaluation takes too many steps or levels. `try` and `can` don't catch it."""


class Budget:
    """The remaining steps for all files of a source: MOST_STEPS, plus STEPS_OF_A_FILE for each file.

    Evaluating a node takes one step. A value that is created, or passed to a function, takes its weight (one step for
    16 characters), so the steps limit memory as well. Nothing is timed: the outcome is the same on every machine.
    """

    __slots__ = ("left", "most")

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.most = most
        self.left = most

    def add_file(self) -> None:
        """Add the steps of one more file, even if the files before it used up all steps."""
        self.most += STEPS_OF_A_FILE
        self.left = max(self.left, 0) + STEPS_OF_A_FILE

    def spend(self, steps: int, place: Callable[[], FileOrigin]) -> None:
        """Take steps from the budget. Raises BudgetError, at `place`, if fewer are left."""
        self.left -= steps
        if self.left < 0:
            raise BudgetError(
                f"the evaluation takes more than {self.most} steps",
                place(),
                "all files of a source share them; nested loops, large texts, and values in values take many",
            )


class Scope:
    """The variables and functions that expressions of a source can use, and their budget.

    undefined: called for variables that the scope does not have. parent: its variables are visible too.
    """

    __slots__ = ("budget", "functions", "parent", "source", "undefined", "variables")

    def __init__(
        self,
        source: Source,
        variables: Mapping[str, Value],
        functions: Mapping[str, Function],
        undefined: Undefined | None = None,
        budget: Budget | None = None,
        parent: Scope | None = None,
    ) -> None:
        self.source = source
        self.variables = variables
        self.functions = functions
        self.undefined = undefined
        self.budget = budget or Budget()
        self.parent = parent

    def child(self, variables: Mapping[str, Value]) -> Scope:
        """Return the scope of a loop's body, in which these variables hide others of the same names."""
        return Scope(self.source, variables, self.functions, self.undefined, self.budget, self)

    def within(self, source: Source) -> Scope:
        """Return the same scope for expressions of another text."""
        return Scope(source, {}, self.functions, self.undefined, self.budget, self)

    def variable(self, name: str) -> Value | None:
        """Return the variable's value in the innermost scope that has it; None if no scope has it."""
        scope: Scope | None = self
        while scope is not None:
            value = scope.variables.get(name)
            if value is not None:
                return value
            scope = scope.parent
        return None

    def names(self) -> list[str]:
        """Return the names of all variables in the scope, sorted."""
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.variables)
            scope = scope.parent
        return sorted(names)

    def error(self, message: str, offset: int, help: str | Callable[[], str | None] | None = None) -> HclError:
        """Make an error at this offset of the source."""
        return HclError(message, self.source.place(offset), help)

    def spend(self, steps: int, offset: int) -> None:
        """Take steps from the budget. Raises BudgetError, at the offset, if fewer are left."""
        self.budget.spend(steps, lambda: self.source.place(offset))

    def admit(self, value: Value, offset: int) -> Value:
        """Return the value. Raises BudgetError if it is too large or has too many levels."""
        weight, depth = extent(value)
        if depth > _MOST_LEVELS:
            raise BudgetError(f"the value has more than {_MOST_LEVELS} levels", self.source.place(offset))
        if weight > self.budget.most:
            self.spend(self.budget.left + 1, offset)
        return value


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return a help line that suggests the closest known name; None if none is close."""
    close = get_close_matches(name, sorted(known), 1) if len(name) <= _LONGEST_NAME else []
    return f"did you mean `{close[0]}`?" if close else None
