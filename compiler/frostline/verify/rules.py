"""The rules of the findings about verifiers."""

from __future__ import annotations

from frostline.rules import Rule

VERIFY = Rule(
    name="verify",
    summary="the program that verifies an output refuses its new bytes, or could not judge them",
    why="The consumer would refuse the file as well, at its next start or reload. Nothing is published: all files stay "
    "as they are. Waivers cannot silence it: to publish such a file, allow it for that run with `--allow unverified`.",
    example="frostline.yaml:9:76: error[verify]: the output `nginx/router.conf` is refused by `nginx`, which ended "
    'with status 1 and said: nginx: [emerg] unexpected "}" in nginx/router.conf:3 | nginx: configuration file '
    "nginx/router.conf test failed\n"
    "  help: correct what it names in the template or the configuration, or publish without verifying: "
    "`--allow unverified=nginx/router.conf`",
    mend="correct what it names in the template or the configuration, or publish without verifying: "
    "`--allow unverified`",
)
UNVERIFIED = Rule(
    name="unverified",
    severity="warning",
    summary="an output is not verified because of `--allow unverified`",
    why="Its `verify` was not started, so nobody knows whether its consumer accepts the new bytes. That is right for a "
    "plan of a branch that nobody trusts yet, because its `verify` may be any program.",
    example="frostline.yaml:1:84: warning[unverified]: the output `nginx/router.conf` is not verified: "
    "`--allow unverified`\n"
    "  help: rerun without `--allow unverified` where the configuration is trusted",
    mend="rerun without `--allow unverified` where the configuration is trusted",
)
RULES = (VERIFY, UNVERIFIED)
