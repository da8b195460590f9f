"""Reading job files against parsing their syntax alone, as a ratio of the same run.

1,000 job files of 200 lines and more: services, upstreams, dynamic blocks, functions, templates. The baseline is a
process that parses their syntax. `frostline list` reads and evaluates them all; `frostline freeze`, which
is for live sources, has nothing to do here.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

FILES, LINES, ROUNDS = 1_000, 200, 5

HEAD = """
variable "region" {{
  type    = string
  default = "eu"
}}

locals {{
  name   = "service-{number}-${{var.region}}"
  labels = [for key, value in {{ a = 1, b = 2 }} : "${{key}}=${{value}}" if value > 0]
}}

job "job-{number}" {{
  datacenters = ["dc1", "dc2"]
  meta {{
    labels = join(",", local.labels)
    owner  = upper("team-{number}")
  }}
"""

GROUP = """
  group "group-{group}" {{
    count = {group} + 1
    network {{
      mode = "bridge"
      port "http" {{
        to = 8080
      }}
    }}
    service {{
      name = "${{local.name}}-{group}-v1"
      port = "http"
      tags = concat(["api"], local.labels)
      meta {{
        version = format("v%d", 1)
      }}
      check {{
        type     = "http"
        path     = "/health"
        interval = "10s"
        timeout  = "2s"
      }}
      connect {{
        sidecar_service {{
          proxy {{
            dynamic "upstreams" {{
              for_each = {{ "payments-v1" = 9101, "stock-v2" = 9102 }}
              content {{
                destination_name = upstreams.key
                local_bind_port  = upstreams.value
              }}
            }}
          }}
        }}
      }}
    }}
    task "server" {{
      driver = "docker"
      config {{
        image = "registry.example/${{local.name}}:1"
        ports = ["http"]
      }}
      env {{
        PAYMENTS = "http://${{NOMAD_UPSTREAM_ADDR_payments_v1}}/v1"
      }}
      template {{
        destination = "local/config.txt"
        data        = <<-EOT
          region ${{var.region}}
          {{{{ range service "x" }}}}{{{{ .Address }}}}{{{{ end }}}}
        EOT
      }}
      resources {{
        cpu    = 100
        memory = 64
      }}
    }}
  }}
"""

CONFIG = """
sources:
  jobs: {type: jobspec, files: ["jobs/*.nomad.hcl"]}
outputs:
  - {type: yaml, path: services.yaml}
"""

SYNTAX = """
from pathlib import Path
from frostline.hcl.source import Source
from frostline.hcl.syntax import parse
for path in sorted(Path("jobs").iterdir()):
    parse(Source(path.name, path.read_bytes()))
"""


def job_file(number: int) -> str:
    text = HEAD.format(number=number)
    group = 0
    while text.count("\n") < LINES - 1:
        text += GROUP.format(group=group)
        group += 1
    return text + "}\n"


def seconds(*arguments: str, folder: Path) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    return perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "jobs").mkdir()
        for number in range(FILES):
            (folder / "jobs" / f"job-{number}.nomad.hcl").write_text(job_file(number))
        (folder / "frostline.yaml").write_text(CONFIG)
        commands = {"freeze": ("-m", "frostline", "freeze"), "list": ("-m", "frostline", "list")}
        ratios: dict[str, list[float]] = {command: [] for command in commands}
        for _ in range(ROUNDS):
            syntax = seconds("-c", SYNTAX, folder=folder)
            for command, arguments in commands.items():
                ratios[command].append(seconds(*arguments, folder=folder) / syntax)
        lines = job_file(0).count("\n")
        for command, found in ratios.items():
            figures = ", ".join(
                f"{word} {figure:.2f}"
                for word, figure in (
                    ("min", min(found)),
                    ("median", statistics.median(found)),
                    ("max", max(found)),
                )
            )
            print(f"frostline {command} of {FILES} job files of {lines} lines / parsing their syntax alone: {figures}")


if __name__ == "__main__":
    main()
