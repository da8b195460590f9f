"""The rules of findings about the keys of class parameters."""

from __future__ import annotations

from frostline.rules import Rule

INVALID_KEY = Rule(
    name="hiera-key",
    severity="warning",
    summary="a key pattern gives a service a key that cannot name a class parameter; the key is left out",
    why=(
        "The name of a class parameter has only lower-case letters, digits and `_`, so Puppet would never look up "
        "such a key."
    ),
    example="frostline.yaml:12:7: warning[hiera-key]: Sh.op v1: `profile::{service}::url` gives `Sh.op` `v1` the key "
    "`profile::Sh.op::url`, which cannot name a class parameter\n"
    "  help: change the pattern, or leave the service out of this output with `select`",
    mend="change the pattern, or leave the service out of this output with `select`",
)
KEY_COLLISION = Rule(
    name="hiera-key-collision",
    summary="two services get the same Hiera key",
    why="A key has one value in Hiera, so one of the services would silently replace the other.",
    example="frostline.yaml:12:7: error[hiera-key-collision]: sh_op v1: `sh_op` `v1` by `profile::{service}::url` and "
    "`sh-op` `v1` by `profile::{service}::url` have the same key `profile::sh_op::url`\n"
    "  help: put both {service} and {version} into the pattern, or leave one out of this output with `select`",
    mend="put both {service} and {version} into the pattern, or leave one out of this output with `select`",
)
ROLE_UNKNOWN = Rule(
    name="hiera-role",
    summary="a role in `keys` is for a service that the output does not have",
    why=(
        "Without its key a class parameter falls back to its default, or the catalog of every node with the class "
        "fails. Nobody would see there that the service was renamed or went away."
    ),
    example="frostline.yaml:12:7: error[hiera-role]: smpt v1: the role `profile::mail::host` is for `smpt` `v1`, which "
    "this output does not have\n"
    "  help: did you mean `smtp`?",
    mend="correct the service or its version, take it into this output with `select` and `sources`, or remove the role",
)
ROLE_EMPTY = Rule(
    name="hiera-role-empty",
    severity="warning",
    summary="a role in `keys` is for a service without an endpoint; the key is left out",
    why=("There is nothing to call, so the class parameter gets its default. If it has no default, the catalog fails."),
    example="frostline.yaml:12:7: warning[hiera-role-empty]: smtp v1: the role `profile::mail::host` gets no key: "
    "`smtp` `v1` has no endpoint\n"
    "  help: see `frostline explain SERVICE` for why it has none",
    mend="see `frostline explain SERVICE` for why it has none",
)
RULES = (INVALID_KEY, KEY_COLLISION, ROLE_UNKNOWN, ROLE_EMPTY)
