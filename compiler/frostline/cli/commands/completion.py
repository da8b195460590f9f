"""`frostline completion`: print the script by which a shell completes our commands, options and values."""

from __future__ import annotations

import click

from frostline import errors
from frostline.cli.completing import SHELLS, one_of, script
from frostline.cli.console import Invocation, print_data
from frostline.cli.invoking import invoked
from frostline.cli.options import common_options
from frostline.errors import UsageError
from frostline.text import did_you_mean


@click.command("completion")
@click.argument("shell", shell_complete=one_of(lambda context: SHELLS))
@common_options
@invoked
def command(invocation: Invocation, shell: str) -> int:
    """Print the completion of a shell: bash, fish or zsh.

    The shell runs it when it starts:

    \b
      eval "$(frostline completion bash)"    in ~/.bashrc
      eval "$(frostline completion zsh)"     in ~/.zshrc, below compinit
      frostline completion fish | source     in ~/.config/fish/config.fish
    """
    if shell not in SHELLS:
        known = f"shells: {', '.join(SHELLS)}"
        raise UsageError(f"there is no completion for `{shell}`", help=did_you_mean(shell, SHELLS, known))
    group = click.get_current_context().find_root().command
    print_data(script(shell, group).strip("\n").split("\n"))
    return errors.DONE
