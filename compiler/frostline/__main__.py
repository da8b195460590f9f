"""The command `frostline`. `--version` answers without importing anything, so that build steps can ask it freely."""

import sys


def main() -> None:
    """Run the command and exit with its status."""
    if sys.argv[1:] == ["--version"] and _version_is_shown():
        return
    try:
        from frostline.cli.main import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it was imported, or while it said that it was interrupted
        status = 130
    sys.exit(status)


def _version_is_shown() -> bool:
    """Shows the version; False where nothing can be written, about which the command knows more."""
    from frostline import __version__

    try:
        sys.stdout.write(f"frostline {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError):  # a closed stdout is None
        return False
    return True


if __name__ == "__main__":
    main()
