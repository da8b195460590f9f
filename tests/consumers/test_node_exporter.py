"""Files of `--metrics` in the real node_exporter, whose textfile collector reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from processes import Server, free_port
from project import STATIC, Project


@pytest.mark.more_readers
def test_node_exporter_takes_the_files_of_several_jobs_and_hostile_names(
    project: Project, program: Callable[[str], str]
) -> None:
    collected = project.folder.parent / "collected"
    collected.mkdir()
    folder = project.folder / 'a"} 1\n# HELP \\x'
    folder.mkdir()
    (folder / "frostline.yaml").write_text(json.dumps(STATIC))
    for command, config in (("compile", "."), ("check", "."), ("compile", folder)):
        path = collected / f"{command}-{'here' if config == '.' else 'there'}.prom"
        project.configure(STATIC).done(command, "-c", Path(config) / "frostline.yaml", "--metrics", path)
    # What a run that is killed leaves, and what others keep there.
    (collected / ".frostline.0123456789abcdef.out.tmp").write_text("{")
    port = free_port()
    server = Server(
        [
            program("prometheus-node-exporter"),
            "--collector.disable-defaults",
            "--collector.textfile",
            f"--collector.textfile.directory={collected}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        project.folder.parent / "exporter.log",
        project.folder.parent,
    )

    def scraped() -> str:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return str(answer.read().decode())
        return ""

    try:
        server.wait_until(lambda: bool(scraped()), "node_exporter")
        text = scraped()
    finally:
        server.stop(politely=False)
    assert "node_textfile_scrape_error 0" in text
    assert len(re.findall(r"^frostline_run_exit_status\{.*\} 0$", text, re.MULTILINE)) == 3
    assert len(re.findall(r"^frostline_services\{.*\} 2$", text, re.MULTILINE)) == 3
