"""The output `page` in Chromium: the CPU that its thread takes to open, to answer a key, to draw the largest picture.

CPU time, because it does all of this on one core, and other work on the machine costs only time. Needs what
`make consumers` installs: Chromium, and the npm packages in build/npm. Each round opens a new browser.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from measured import spread

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "consumers"))

from pages import calling, dense_calls, in_chromium, large_registry, written  # noqa: E402

NPM = ROOT / "build" / "npm" / "node_modules"
ROUNDS = 5


def main() -> None:
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if not (chromium and node and NPM.is_dir()):
        print("skipped: run `make consumers` first, which installs Chromium and build/npm")
        return
    with tempfile.TemporaryDirectory() as folder:
        names = {False: "shared tags and meta", True: "a meta value of its own for each endpoint"}
        pages = {
            name: written(large_registry(unique=unique), Path(folder) / f"{unique}.html")
            for unique, name in names.items()
        }
        pictured = written(calling(dense_calls()), Path(folder) / "picture.html")
        opened: dict[str, list[float]] = {name: [] for name in pages}
        keys: dict[str, list[float]] = {name: [] for name in pages}
        clicks: list[float] = []
        for _ in range(ROUNDS):
            for name, page in pages.items():
                happened = in_chromium(NPM, chromium, node, page, "typing", "node-77")
                opened[name].append(happened["opened"])
                keys[name] += happened["result"]
            drawn = in_chromium(NPM, chromium, node, pictured, "pictures", ["#hub", "#n149", "#n7"])["result"]
            clicks += [found["milliseconds"] for found in drawn.values()]
        for name, page in pages.items():
            case = f"170,000 endpoints, {name}, {page.stat().st_size / 1e6:.1f} MB"
            print(f"{case}: opening takes {spread(opened[name], ' ms')}")
            print(f"{case}: a key takes {spread(keys[name], ' ms')}")
        print(f"a click that draws 150 of 1,001 neighbours takes {spread(clicks, ' ms')}")


if __name__ == "__main__":
    main()
