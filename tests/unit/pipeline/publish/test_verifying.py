"""Which outputs are verified, what their verifiers see, and what a verifier may not touch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from frostline.cli.main import run
from frostline.errors import RefusedError
from frostline.events import listening
from frostline.pipeline.compile.compiling import Compilation, CompileOptions
from frostline.pipeline.publish.verifying import as_verified, token_variables, verify_changes, verify_outputs
from frostline.settings import Allow, Config

PARTNERS = {"type": "static", "services": {"billing": "https://billing.example", "mail": {"v3": "https://m.example"}}}

Configure = Callable[..., Config]
Compile = Callable[..., Compilation]


@pytest.fixture
def looked(tmp_path: Path) -> Callable[[], list[str]]:
    """`looked()`: what the verifiers of LOOK have seen since it was last asked, a line each."""
    seen = tmp_path / "seen"

    def ask() -> list[str]:
        lines = seen.read_text().splitlines() if seen.exists() else []
        seen.unlink(missing_ok=True)
        return lines

    return ask


LOOK = ["sh", "-c", 'cd "$1/.." && find . -type f | sort | tr "\\n" " " >>"$2/seen" && echo >>"$2/seen"', "sh"]
LOOK += ["{path}", "{root}"]


def output(path: str, **keys: Any) -> dict[str, Any]:
    return {"type": "yaml", "path": path, "verify": LOOK, **keys}


def verified(config: Config, compilation: Compilation, **options: Any) -> Compilation:
    return verify_changes(config, compilation, CompileOptions(today=date(2026, 1, 1), **options))


def test_each_output_is_verified_alone_in_the_order_of_the_configuration(
    configure: Configure, compiled: Compile, looked: Any
) -> None:
    outputs = [
        output("z/b.yaml"),
        {**output("app/registry.py"), "type": "python"},
        output("each", split="service"),
        {**output("puppet/data"), "type": "hiera"},
        {"type": "yaml", "path": "unseen.yaml"},
    ]
    config = configure(sources={"partners": PARTNERS}, outputs=outputs)
    found = verified(config, compiled(config))
    assert found.findings == ()
    assert found.plan.verified == ("z/b.yaml", "app/registry.py", "each", "puppet/data")
    assert found.plan == as_verified(config, compiled(config), Allow()).plan
    assert looked() == [
        "./b.yaml ",
        "./registry.py ./registry.pyi ",
        "./each/billing.yaml ./each/mail.yaml ",
        "./data/common.yaml ",
    ]


def test_only_outputs_that_change_are_verified_with_all_their_files(
    configure: Configure, compiled: Compile, looked: Any
) -> None:
    outputs = [output("one.yaml", select="billing"), output("each", split="service")]
    config = configure(sources={"partners": PARTNERS}, outputs=outputs)
    assert run(["compile", "-q"]) == 0
    looked()
    assert verified(config, compiled(config)).plan.verified == ()
    assert looked() == []
    services = {**PARTNERS["services"], "mail": {"v3": "https://other.example"}}
    config = configure(sources={"partners": {**PARTNERS, "services": services}}, outputs=outputs)
    assert verified(config, compiled(config)).plan.verified == ("each",)
    assert looked() == ["./each/billing.yaml ./each/mail.yaml "]
    del services["mail"]
    config = configure(sources={"partners": {**PARTNERS, "services": services}}, outputs=outputs)
    assert verified(config, compiled(config, allow=Allow(deletes=("*",)))).plan.verified == ("each",)
    assert looked() == ["./each/billing.yaml "]


def test_no_verifier_is_started_if_something_is_already_refused(
    configure: Configure, compiled: Compile, looked: Any
) -> None:
    policies = {"required": ["nope"]}
    config = configure(sources={"partners": PARTNERS}, outputs=[output("a.yaml")], checks={"policies": policies})
    compilation = compiled(config)
    assert verified(config, compilation) == compilation
    config = configure(sources={"partners": PARTNERS}, outputs=[output("a.yaml")])
    Path("a.yaml").write_text("mine")
    assert [finding.rule for finding in verified(config, compiled(config)).findings] == ["adopt"]
    assert looked() == []


def test_a_verifier_that_allow_skips_is_not_started_and_is_a_warning(
    configure: Configure, compiled: Compile, looked: Any, matches_golden: Any
) -> None:
    config = configure(
        sources={"partners": PARTNERS}, outputs=[output("nginx/router.conf"), output("b.yaml"), output("c.yaml")]
    )
    some = verified(config, compiled(config), allow=Allow(unverified=("nginx/*", "b.yaml")))
    assert (some.plan.verified, some.plan.unverified) == (("c.yaml",), ("nginx/router.conf", "b.yaml"))
    assert looked() == ["./c.yaml "]
    assert not some.refused
    matches_golden("unverified", some.findings)
    every = verified(config, compiled(config), allow=Allow(unverified=("*",)))
    assert (every.plan.verified, len(every.plan.unverified), looked()) == ((), 3, [])


def test_all_that_refuse_are_reported_and_the_others_are_verified(configure: Configure, compiled: Compile) -> None:
    outputs = [
        output("a.yaml", verify=["false"]),
        output("b.yaml", verify=["true"]),
        output("c.yaml", verify=["false"]),
    ]
    config = configure(sources={"partners": PARTNERS}, outputs=outputs)
    found = verified(config, compiled(config))
    assert [(finding.rule, finding.value) for finding in found.findings] == [("verify", "a.yaml"), ("verify", "c.yaml")]
    assert found.refused
    assert found.plan.verified == ("b.yaml",)


@pytest.mark.parametrize(
    ("write", "named"),
    [
        ("echo x >one.yaml", "`one.yaml` changed"),
        ("echo x >two.yaml", "`two.yaml` changed"),
        ("rm one.yaml", "`one.yaml` changed"),
        ("echo >>frostline.manifest", "the manifest changed"),
        ("echo '# x' >>frostline.yaml", "`frostline.yaml` changed"),
        ("echo x >frostline.lock", "the committed lock changed"),
    ],
)
def test_a_verifier_that_writes_published_files_or_inputs_is_refused(
    configure: Configure, compiled: Compile, write: str, named: str
) -> None:
    plain = [{"type": "yaml", "path": "one.yaml"}, {"type": "yaml", "path": "two.yaml", "select": "mail"}]
    configure(sources={"partners": PARTNERS}, outputs=plain)
    assert run(["compile", "-q"]) == 0
    outputs = [*plain, output("new.yaml", verify=["sh", "-c", write])]
    config = configure(sources={"partners": PARTNERS}, outputs=outputs)
    with pytest.raises(RefusedError, match="while `new.yaml` was verified; nothing was published") as caught:
        verified(config, compiled(config))
    assert named in caught.value.message
    assert not Path("new.yaml").exists()


def test_a_verifier_may_write_other_files_and_its_own_copy(configure: Configure, compiled: Compile) -> None:
    words = ["sh", "-c", 'echo spoilt >"$1"; touch "$1.bak" stray', "sh", "{path}"]
    config = configure(sources={"partners": PARTNERS}, outputs=[output("a.yaml", verify=words)])
    found = verified(config, compiled(config))
    assert not found.refused
    assert Path("stray").exists()
    assert b"billing" in b"".join(found.wanted[0].chunks)


def test_a_verifier_does_not_get_the_tokens_of_the_configuration(
    configure: Configure, compiled: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"MINE": "canary-0123", "COPY": "Bearer canary-0123", "CONSUL_HTTP_TOKEN": "c", "NOMAD_TOKEN": "n"}
    for name, value in {**values, "KEPT": "kept"}.items():
        monkeypatch.setenv(name, value)
    mesh = {"type": "consul", "address": "http://127.0.0.1:9", "token": {"env": "MINE"}}
    words = [sys.executable, "-I", "-S", "-c", "import json, os; json.dump({**os.environ}, open('env.json', 'w'))"]
    config = configure(
        sources={"mesh": mesh, "partners": PARTNERS}, outputs=[output("a.yaml", verify=words, sources=["partners"])]
    )
    assert token_variables(config) == {"MINE"}
    compilation = compiled(config)
    options = CompileOptions(today=date(2026, 1, 1))
    assert verify_outputs(config, compilation, config.outputs, options) == ()
    environment = json.loads((tmp_path / "env.json").read_text())
    assert environment["KEPT"] == "kept"
    assert not {*values} & {*environment}
    assert "canary" not in json.dumps(environment)
    assert environment["PWD"] == str(tmp_path)


def test_each_verifier_is_a_stage_of_the_run(configure: Configure, compiled: Compile) -> None:
    seen: list[str] = []

    class Notes:
        def started(self, stage: str) -> None:
            seen.append(stage)

        def progressed(self, what: str, done: int, expected: int) -> None: ...

        def finished(self, stage: str) -> None: ...

    config = configure(sources={"partners": PARTNERS}, outputs=[output("a.yaml", verify=["true"])])
    compilation = compiled(config)
    with listening([Notes()]):
        verified(config, compilation)
    assert seen == ["verifying output a.yaml"]


def test_a_folder_with_a_temporary_folder_in_it_gets_no_copy(
    configure: Configure, compiled: Compile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from frostline.verify import running

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(running, "gettempdir", lambda: str(tmp_path / "tmp"))
    words = ["sh", "-c", 'case "$1" in "$2"/*) exit 1;; esac', "sh", "{path}", "{root}"]
    config = configure(sources={"partners": PARTNERS}, outputs=[output("a.yaml", verify=words)])
    assert verified(config, compiled(config)).findings == ()
    assert list((tmp_path / "tmp").iterdir()) == []
