"""The rules of findings about published files, and about outputs as a whole."""

from __future__ import annotations

from frostline.checks.guards.outputs import FIND_OUT
from frostline.rules import Rule

EMPTY_OUTPUT = Rule(
    name="output-empty",
    severity="warning",
    summary="an output has no service at all",
    why=(
        "The registry has services, so the output's own `select` or `sources` leaves all of them out, usually "
        "because of a typing error. Programs that read the file would find nothing in it."
    ),
    example="frostline.yaml:1:71: warning[output-empty]: the output `none.yaml` has no service at all\n"
    f"  help: {FIND_OUT}",
    mend=FIND_OUT,
)
IMPOSSIBLE_PATH = Rule(
    name="path-impossible",
    summary="an output cannot write a file, since its path is not possible; the file is left out",
    why=(
        "File systems allow at most 255 bytes in a name. No output may write `.git`, or names that begin with "
        "`.frostline.`. In an output that writes a file for each service, such names may come from servers."
    ),
    example="frostline.yaml:1:195: error[path-impossible]: the output `one` cannot write a file, since its path has a "
    "name of more than 255 bytes: `one/endpoints-of-the-the-the-the-the-the-the-the-the-the-the-the-aaaaaaaaaaaaaa…`\n"
    "  help: write less around the names in the output's `path`, or leave the service out with `select`; a "
    "waiver leaves the file out",
    mend="write less around the names in the output's `path`, or leave the service out with `select`; a waiver leaves "
    "the file out",
)
UNPORTABLE_PATH = Rule(
    name="path-unportable",
    severity="warning",
    summary="an output writes a file that Windows cannot have",
    why=(
        "Names of devices (`CON`, `NUL`, `COM1` …, with any suffix), names that end in a dot or a space, and some "
        "characters are not possible there. git cannot check out the repository, and a program that opens the "
        "file may get a device. In an output that writes a file for each service, such names may come from "
        "servers, such as a service `aux`."
    ),
    example="frostline.yaml:1:83: warning[path-unportable]: the output `COM1/all.yaml` writes a file that Windows "
    "cannot have: `COM1/all.yaml`\n"
    "  help: give the output another path, or leave the service out with `select`; where nobody uses Windows, waive it",
    mend="give the output another path, or leave the service out with `select`; where nobody uses Windows, waive it",
)
NO_ADDRESS = Rule(
    name="address-not-kept",
    summary="an output needs addresses, but only the names of its services are frozen",
    why="With `endpoints: false` under `keep` a source freezes names, versions, tags and meta, but no addresses. "
    "Readers of an output of addresses would find none for its services.",
    example="frostline.yaml:1:28: error[address-not-kept]: the output `registry.py` needs addresses, but "
    "`endpoints: false` under `keep` of `mesh` freezes none of `pay/v1`, `shop`\n"
    "  help: add a source that has URLs for them, such as one of type `router`, leave them out of this output with "
    "`select` or `sources`, or remove `endpoints: false`",
    mend="add a source that has URLs for them, such as one of type `router`, leave them out of this output with "
    "`select` or `sources`, or remove `endpoints: false`",
)
EDITED = Rule(
    name="edited",
    summary="a published file was edited since frostline wrote it",
    why="The edit would be lost. Somebody may have made it on purpose, such as in an emergency.",
    example="app/services.yaml:1:1: error[edited]: the file was edited since frostline wrote it\n"
    "  help: keep the edit by moving the file away, or overwrite it with "
    "`frostline compile --allow edited=app/services.yaml`",
    mend="keep the edit by moving the file away, or overwrite it with `frostline compile --allow edited`",
)
ADOPT = Rule(
    name="adopt",
    summary="a file exists at the path of an output, but frostline did not write it",
    why="A file that the manifest does not list is never overwritten or deleted, unless `--allow` says so. It belongs "
    "to somebody else, or the manifest is missing.",
    example="app/services.yaml:1:1: error[adopt]: the file exists already, and frostline did not write it\n"
    "  help: keep the file by moving it away, or overwrite it with "
    "`frostline compile --allow adopt=app/services.yaml`; if frostline did write it, restore frostline.manifest from "
    "your repository",
    mend="keep the file by moving it away, or overwrite it with `frostline compile --allow adopt`",
)
ORPHANS = Rule(
    name="orphans",
    summary="the manifest lists a file that no configured output writes",
    why=(
        "The file would be deleted. Either its output was removed from the configuration, or the manifest has "
        "a line that is not frostline's, from a merge or from somebody else. frostline never deletes an "
        "input: only the line is removed."
    ),
    example="app/services.yaml:1:1: error[orphans]: the file is in the manifest, but no configured output writes it\n"
    "  help: delete it with `frostline compile --allow orphans=app/services.yaml`, or keep it: remove its line from "
    "the manifest",
    mend="delete it with `frostline compile --allow orphans`, or keep it: remove its line from the manifest",
)
DRIFT = Rule(
    name="drift",
    summary="something published differs from what the lock and the configuration give",
    why="Programs read published files that differ from what was reviewed and locked. `check` exits with 1.",
    example="services.yaml:1:1: error[drift]: services.yaml is missing\n"
    "  help: run `frostline compile --offline` to publish what the lock gives, or `frostline plan --offline` to see "
    "what would change",
    mend="run `frostline compile --offline` to publish what the lock gives, or `frostline plan --offline` to see what "
    "would change",
)
BROKEN_MANIFEST = Rule(
    name="manifest-broken",
    severity="warning",
    summary="git, an editor or a cut download has broken the manifest; compile writes it anew",
    why=(
        "After a merge both sides count: the guards know what each side published, and files that either side "
        "wrote are frostline's own."
    ),
    example="frostline.manifest:3:1: warning[manifest-broken]: the manifest has merge conflicts; it is written anew\n"
    "  help: commit what `frostline compile` writes",
    mend="commit what `frostline compile` writes",
)
RULES = (EMPTY_OUTPUT, IMPOSSIBLE_PATH, UNPORTABLE_PATH, NO_ADDRESS, EDITED, ADOPT, ORPHANS, DRIFT, BROKEN_MANIFEST)
