"""The command `frostline`. `--version` answers without importing anything, so that build steps can ask it freely."""

import sys


def main() -> None:
    """Run the command and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from frostline import __version__

        sys.stdout.write(f"frostline {__version__}\n")
        return
    from frostline.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
