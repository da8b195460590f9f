"""The filters for readers that expand text even in quotes: dotenv, Ansible, Spring, Traefik."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from frostline.outputs.template.plain import LEAVE_OUT, literal, plain_text, plain_value
from frostline.outputs.template.text import TemplateFault, Trusted, quoted, show_value
from frostline.outputs.yaml_text import flow, flow_key

_NOT_IN_A_VARIABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EXPANDED_IN_VARIABLES = re.compile(r"\$[A-Za-z0-9_{$]")
# A backslash before `${` escapes it in Spring Framework 6.2, and is text in older ones.
_NOT_FOR_SPRING = re.compile(r"#\{|\\\$\{")
_SPRING_DOLLAR = "${frostline.dollar:$}"


def dotenv(value: Any) -> Trusted:
    """A value that sh, systemd and python-dotenv read the same after `NAME=`.

    In single quotes, python-dotenv reads a backslash as an escape, and no reader can escape a quote. In double quotes,
    sh and systemd expand `$`, sh runs what stands in backquotes, and python-dotenv keeps the backslash before these
    two. In any quotes, systemd's environment.d expands `$NAME` and python-dotenv expands `${NAME}`. systemd's
    EnvironmentFile accepts no control characters except tab and newline (src/basic/env-util.c), and python-dotenv reads
    a carriage return as a newline.
    """
    text = plain_text(value, "dotenv")
    if found := _NOT_IN_A_VARIABLE.search(text):
        what = f"contains {found.group()!r}, which systemd or python-dotenv does not take"
    elif found := _EXPANDED_IN_VARIABLES.search(text):
        what = f"contains {found.group()!r}, which systemd or python-dotenv expands in any quotes"
    elif not re.search(r"['\\]", text):
        return quoted(f"'{text}'", "dotenv")
    elif found := re.search("[$`]", text):
        what = (
            f"contains {found.group()!r} beside a single quote or a backslash, which sh, systemd and python-dotenv "
            "escape in different ways"
        )
    else:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return quoted(f'"{escaped}"', "dotenv")
    raise TemplateFault(f"{show_value(text)} {what}", f"{LEAVE_OUT}, or write a file for sh alone with `| shell`")


def ansible(value: Any) -> Trusted:
    """YAML as Ansible reads it, on one line. A string that Ansible would run as a template is tagged `!unsafe`.

    That is a string with `{{`, `{%` or `{#`, and one whose first line `#jinja2:` names other delimiters. Keys are
    tagged as well, because a loop over the mapping turns them into values.
    """
    return literal(_ansible(plain_value(value, "ansible")), "ansible")


def _ansible(value: Any) -> str:
    if isinstance(value, str):
        return f"{_tag(value)}{flow(value)}"
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_ansible_key(key)} {_ansible(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_ansible(item) for item in value]) + "]"
    return flow(value)


def _ansible_key(key: str) -> str:
    written = flow_key(key)
    return f"? {_tag(key)}{written[2:]}" if written.startswith("? ") else f"{_tag(key)}{written}"


def _tag(text: str) -> str:
    return "!unsafe " if "{" in text or text.startswith("#") else ""


def spring(value: Any) -> Trusted:
    """YAML for a Spring Boot application, on one line.

    Spring expands `${NAME}` wherever it reads a property, and only Spring Framework 6.2 and later can escape it. So `$`
    is written as a property that nobody sets, with `$` as its default. `#{…}` is refused: `@Value` evaluates it after
    all such replacements. Spring does not expand names of properties.
    """
    return literal(_spring(plain_value(value, "spring")), "spring")


def _spring(value: Any) -> str:
    if isinstance(value, str):
        if found := _NOT_FOR_SPRING.search(value):
            raise TemplateFault(
                f"{show_value(value)} contains {found.group()!r}, which Spring expands, in quotes too", LEAVE_OUT
            )
        return flow(value.replace("${", _SPRING_DOLLAR + "{"))
    if isinstance(value, dict):
        return "{" + ", ".join([f"{flow_key(key)} {_spring(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_spring(item) for item in value]) + "]"
    return flow(value)


def traefik(value: Any) -> Trusted:
    """YAML for a file of Traefik's, on one line. Traefik runs the file as a Go template before it reads it as YAML.
    There `{{` begins an action even in quotes, so the second brace is written as an escape."""
    return literal(flow(plain_value(value, "traefik")).replace("{{", "{\\u007b"), "traefik")


ALL: tuple[Callable[[Any], Trusted], ...] = (dotenv, ansible, spring, traefik)
