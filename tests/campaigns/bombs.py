"""Job files that are meant to take much work or memory, made at random from what costs most: seeded, so they repeat."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

TEXTS = (
    "$",
    "a = ",
    "{",
    "[",
    "(",
    '"',
    "<<E\n",
    "#\n",
    "/*",
    "${",
    '"${',
    "a::",
    "a.",
    "-",
    "1+",
    "a?",
    "%{if a}",
    "\n",
)


def bomb(random: Random) -> str:
    """A job file: an expression that is costly, or a large text of one thing."""
    if random.random() < 0.2:
        return _api_job(random)
    if random.random() < 0.2:
        prefix = random.choice(("", "a = ", 'a = "', "a = <<EOT\n", '{"job": "', 'job "j" {\n'))
        unit = random.choice(TEXTS)
        return prefix + unit * (random.randrange(10_000, 200_000) // len(unit))
    lines = "\n".join(f"    x{index} = jsonencode({_value(random, 3)})" for index in range(random.randrange(1, 4)))
    names = "\n".join(f"  l{index} = {_value(random, 1)}" for index in range(random.choice((0, 3, 300))))
    return f'locals {{\n{names}\n}}\njob "j" {{\n  meta {{\n{lines}\n  }}\n}}\n'


def _api_job(random: Random) -> str:
    """A job in the form of Nomad's API, in one line: many of one thing, and placeholders that multiply another."""
    many, long = random.choice((10, 300, 3000)), "y" * 10 ** random.randrange(6)
    name = random.choice(("x", "x{}", "${{NOMAD_META_m}}", "${{JOB}}", "${{attr.a{}}}", "p-{}", "é{}"))
    times = random.choice((1, 1, 30))
    services = [
        {
            "Name": name.format(index) * times,
            "PortLabel": random.choice(("80", "p", f"p-{index}", "${NOMAD_PORT_p1}")),
            "Tags": [random.choice(("${NOMAD_META_m}" * 30, "${attr.b}", "t"))] * random.choice((1, 5)),
            "Meta": {f"k{index}": "${NOMAD_META_m}"},
        }
        for index in range(many)
    ]
    networks = [{"DynamicPorts": [{"Label": f"p{index}"} for index in range(many)]}]
    tasks = [
        {"Name": f"t{index}", "Env": {"E": "${NOMAD_META_m}"}, "Services": services[:2]} for index in range(many // 9)
    ]
    group = {"Name": "g", "Networks": networks, "Services": services, "Tasks": random.choice(([], tasks))}
    meta = {"m": long} | {f"k{index}": "" for index in range(random.choice((1, many)))}
    text = json.dumps({"Job": {"ID": "j", "Name": random.choice(("j", long)), "Meta": meta, "TaskGroups": [group]}})
    return text.replace('"Meta": {', '"Meta": {"a": ""}, ' * random.choice((0, 0, 5)) + '"Meta": {')


def _value(random: Random, level: int) -> str:
    if not level:
        return random.choice(
            (_text(random), f"range({random.randrange(1024)})", str(10 ** random.randrange(300)), "1e3000")
        )
    inner = _value(random, level - 1)
    return random.choice(
        (
            f"[for a in range({random.randrange(1024)}) : {inner}]",
            f'join("{"x" * random.randrange(2000)}", [for a in range({random.randrange(1024)}) : "${{a}}"])',
            f"[{', '.join([inner] * random.randrange(1, 30))}]",
            f"setproduct({', '.join([f'range({random.randrange(1024)})'] * random.randrange(2, 4))})",
            f'regex_replace({_text(random)}, "{_pattern(random)}", "${{1}}")',
            f"yamldecode({json.dumps(_yaml(random))})",
            f"yamlencode({inner})",
            f"jsonencode({inner})",
            _format(random),
            f'indent({10 ** random.randrange(12)}, "a\\nb")',
            f"try({inner}, {inner})",
            f"try(nobody, {_text(random)})",
            f"[{', '.join(['try(nobody.a, can(nothing(1)), 1)'] * random.randrange(1, 300))}]",
            '"' + "${nobody}" * random.randrange(1, 3000) + "}" * random.choice((0, 0, 9, 99)) + '"',
            f"true ? {inner} : {inner}",
            f'replace({_text(random)}, "", {_text(random)})',
            f"{inner}{random.choice(('[*]', '.*', '[0]')) * random.choice((1, 1, 1000))}",
            f"{inner} == {inner}",
            f"1{'0' * random.randrange(9000)} % 7",
            f'merge({{a = {inner}}}, {{for a in range({random.randrange(1024)}) : "k${{a}}" => a}})',
        )
    )


def _format(random: Random) -> str:
    width, precision = random.randrange(10 ** random.randrange(1, 12)), random.randrange(10**5)
    return f'format("%{width}.{precision}{random.choice("dfesv")}", 1)'


def _text(random: Random) -> str:
    return f'"{random.choice("a0é ") * random.randrange(5000)}!"'


def _pattern(random: Random) -> str:
    part = random.choice(("a", "0", "[a-z0]", "(a|a)", "(a+)", "(a*)*", ".", "(.*)", "a{100}"))
    return (part + random.choice(("", "*", "+", "?", "{0,100}"))) * random.choice((1, 3, 30)) + random.choice(
        ("", "$", "b")
    )


def _yaml(random: Random) -> str:
    anchors = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in pairwise("abcdefg"))
    return random.choice((anchors, "- a\n" * random.randrange(40_000), "[" * random.randrange(3000), "? " * 3000))
