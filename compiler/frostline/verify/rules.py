"""The rules of what verifiers find."""

from __future__ import annotations

from frostline.rules import Rule

VERIFY = Rule(
    name="verify",
    summary="the program that verifies an output refuses its new bytes, or could not judge them",
    why="The consumer would refuse the file as well, at its next start or reload. Nothing is published: what is there "
    "stays as it is. No waiver silences it: who publishes such a file says so in that run, with `--allow unverified`.",
    example="frostline.yaml:9:76: error[verify]: the output `nginx/router.conf` is refused by `nginx`, which ended "
    'with status 1 and said: nginx: [emerg] unexpected "}" in nginx/router.conf:3 | nginx: configuration file '
    "nginx/router.conf test failed\n"
    "  help: mend what it names in the template or the configuration, or publish without it: "
    "`--allow unverified=nginx/router.conf`",
    mend="mend what it names in the template or the configuration, or publish without it: `--allow unverified`",
)
UNVERIFIED = Rule(
    name="unverified",
    severity="warning",
    summary="an output is not verified, since `--allow unverified` says so",
    why="Its `verify` was not started: nobody knows whether its consumer takes the new bytes. That is right for a plan "
    "of a branch that nobody trusts yet, whose `verify` may be any program.",
    example="frostline.yaml:1:84: warning[unverified]: the output `nginx/router.conf` is not verified: "
    "`--allow unverified`\n"
    "  help: run it again without `--allow unverified`, where the configuration is trusted",
    mend="run it again without `--allow unverified`, where the configuration is trusted",
)
RULES = (VERIFY, UNVERIFIED)
