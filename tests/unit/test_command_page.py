"""The page of the command is complete, and every command that a page tells to run is one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import click
import pytest
from doc_pages import PAGES, fenced, prose, text_of

from frostline.cli.command_page import with_commands
from frostline.cli.commands import COMMANDS
from frostline.cli.main import frostline
from frostline.resources import schema_names, schema_text

OURS = [page for page in PAGES if page != "CHANGELOG.md"]
COMMON = "every command"


def command_of(name: str) -> click.Command:
    command = frostline.get_command(click.Context(frostline), name)
    assert command is not None
    return command


def options_of(command: click.Command) -> dict[str, str]:
    """Each flag of the command -> its option as a page writes it: all flags, and the word for the value."""
    top = click.Context(frostline, **frostline.context_settings)
    context = top if command is frostline else click.Context(command, parent=top)
    return {
        flag: f"{', '.join(f'`{name}`' for name in option.opts)} {value_of(option, context)}".strip()
        for option in command.get_params(context)
        if isinstance(option, click.Option)
        for flag in option.opts
    }


def value_of(option: click.Option, context: click.Context) -> str:
    if option.is_flag or option.count or option.hidden:
        return ""
    flags_and_value, _ = option.get_help_record(context) or ("", "")
    return flags_and_value.rpartition(" ")[2]


def sections() -> dict[str, str]:
    """Heading -> text of docs/command.md."""
    parts = re.split(r"^## (.+)$", text_of("docs/command.md"), flags=re.MULTILINE)
    return {name.lower(): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def listed_options(section: str) -> set[str]:
    """The first column of the section's tables of options."""
    return set(re.findall(r"^\| (`-.+?) \|", section, re.MULTILINE))


def test_the_page_of_the_command_has_every_command_and_no_other() -> None:
    usages = {
        word for text in sections().values() for word in re.findall(r"^    frostline ([a-z]+)", text, re.MULTILINE)
    }
    assert usages == set(COMMANDS)
    assert usages <= sections().keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_page_of_the_command_has_every_option_of_it_and_no_other(name: str) -> None:
    listed = listed_options(sections()[name]) | listed_options(sections()[COMMON])
    assert listed == set(options_of(command_of(name)).values())


def test_the_page_of_the_command_lists_what_each_command_does() -> None:
    assert text_of("docs/command.md") == with_commands(text_of("docs/command.md")), "make reference"
    assert all(f"| [`{name}`](#{name}) |" in text_of("docs/command.md") for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_page_of_the_command_shows_its_arguments(name: str) -> None:
    arguments = [param for param in command_of(name).params if isinstance(param, click.Argument)]
    words = [
        argument.human_readable_name if argument.required else f"[{argument.human_readable_name}]"
        for argument in arguments
    ]
    assert f"    frostline {' '.join((name, *words))}\n" in sections()[name]


def test_the_page_of_the_command_names_every_schema() -> None:
    assert set(re.findall("`([a-z]+)`", sections()["schema"].partition("Prints")[2])) == set(schema_names())


def test_the_page_of_the_command_names_every_field_of_its_json() -> None:
    fields = set(json.loads(schema_text("report"))["properties"]) - {"format", "errors", "findings"}
    named = re.findall(r"JSON:\s(.*?)(?:\.\s| \|)", text_of("docs/command.md"), re.DOTALL)
    assert set(re.findall("`([a-z_]+)`", " ".join(named))) == fields


def written_commands(page: str) -> Iterator[str]:
    """What the page tells to run: spans of code, indented blocks, fenced blocks of a shell."""
    yield from re.findall(r"`(frostline [^`]+)`", prose(page))
    shell = "".join(text for language, _, text in fenced(page) if language in ("console", "text", "yml"))
    for line in [*re.findall("^    (.+)$", prose(page), re.MULTILINE), *shell.split("\n")]:
        found = re.match(r"(?:\$ |- run: |[A-Z_]+=\S+ )*(frostline [a-z-].*)", line)
        if found:
            yield found[1].partition("    #")[0].partition("  #")[0]


@pytest.mark.parametrize("page", OURS)
def test_every_command_that_a_page_tells_to_run_is_one(page: str) -> None:
    wrong = []
    for written in written_commands(page):
        name, *words = shlex.split(written)[1:]
        flags = {word.partition("=")[0] for word in words if word.startswith("-")}
        if name.startswith("-"):
            fits = name in options_of(frostline)
        else:
            fits = name in COMMANDS and flags <= options_of(command_of(name)).keys()
        if not fits:
            wrong.append(written)
    assert wrong == []
