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

MOST_STEPS = 500_000
STEPS_OF_A_FILE = 2_000
_MOST_LEVELS = 100
_LONGEST_NAME = 60

Undefined = Callable[[Traversal, Source], Value | None]


class BudgetError(HclError):
    """An evaluation takes too many steps or levels. `try` and `can` don't catch it."""


class Budget:
    """The steps that are left for all files of a source: MOST_STEPS, and STEPS_OF_A_FILE more for each file.

    A node takes one; a value that is made, or given to a function, takes its weight, one for 16 characters, and so the
    steps limit memory as well. Nothing is timed: the same files end in the same way on every machine.
    """

    __slots__ = ("left", "most")

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.most = most
        self.left = most

    def add_file(self) -> None:
        """Add what each file brings, also after one that used up all."""
        self.most += STEPS_OF_A_FILE
        self.left = max(self.left, 0) + STEPS_OF_A_FILE

    def spend(self, steps: int, place: Callable[[], FileOrigin]) -> None:
        """Take steps. BudgetError, at the place: there are not as many left."""
        self.left -= steps
        if self.left < 0:
            raise BudgetError(
                f"the evaluation takes more than {self.most} steps",
                place(),
                "all files of a source share them; nested loops, large texts, and values in values take many",
            )


class Scope:
    """The scope in which expressions of a source are evaluated.

    undefined: returns the value of an unknown variable with its literal steps; None: the variable is an error.
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
        """The scope of a loop's body, in which these variables hide others of the same names."""
        return Scope(self.source, variables, self.functions, self.undefined, self.budget, self)

    def within(self, source: Source) -> Scope:
        """The same scope for expressions of another text."""
        return Scope(source, {}, self.functions, self.undefined, self.budget, self)

    def variable(self, name: str) -> Value | None:
        """The variable of the innermost scope that has it."""
        scope: Scope | None = self
        while scope is not None:
            value = scope.variables.get(name)
            if value is not None:
                return value
            scope = scope.parent
        return None

    def names(self) -> list[str]:
        """The names of all variables in the scope, sorted."""
        found: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            found.update(scope.variables)
            scope = scope.parent
        return sorted(found)

    def error(self, message: str, offset: int, help: str | Callable[[], str | None] | None = None) -> HclError:
        """An error that points to this offset of the source."""
        return HclError(message, self.source.place(offset), help)

    def spend(self, steps: int, offset: int) -> None:
        """Take steps from the budget. BudgetError, at the offset: there are not as many left."""
        self.budget.spend(steps, lambda: self.source.place(offset))

    def admit(self, value: Value, offset: int) -> Value:
        """The value. BudgetError: it is too large, or has too many levels."""
        weight, depth = extent(value)
        if depth > _MOST_LEVELS:
            raise BudgetError(f"the value has more than {_MOST_LEVELS} levels", self.source.place(offset))
        if weight > self.budget.most:
            self.spend(self.budget.left + 1, offset)
        return value


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """A help line that names the known name that is closest to this one."""
    close = get_close_matches(name, sorted(known), 1) if len(name) <= _LONGEST_NAME else []
    return f"did you mean `{close[0]}`?" if close else None
