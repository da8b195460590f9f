"""The command `frostline`. `--version` imports nothing else, so it is fast enough for every build step."""

import sys

_RESEND_SECONDS = 0.05
"""How long to wait before sending an interrupt again that Python dropped."""


def main() -> None:
    """Run the command and exit with its status."""
    if sys.argv[1:] == ["--version"] and _print_version():
        return
    try:
        try:
            end_on_signals()
            from frostline.cli.main import run

            status = run(sys.argv[1:])
        finally:
            _end_at_once_on_signals()
    except KeyboardInterrupt:  # during the import, or while the first interrupt was reported
        status = 130
    sys.exit(status)


def end_on_signals() -> None:
    """Treat SIGTERM and SIGHUP like SIGINT: undo what is staged, say so and exit with 130.

    The first process of a container ignores a SIGTERM that it has no handler for: signal(7), pid_namespaces(7).
    We install our own handler so that `plug_ins` can tell a signal from a KeyboardInterrupt that a plug-in raises.
    """
    import signal

    def interrupt(number: int, frame: object) -> None:
        sys.unraisablehook = interrupt_again
        raise KeyboardInterrupt

    def interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
        # Finalizers of half-made objects, such as an event loop, may fail now. Users can't fix that, so say nothing.
        # But Python also drops an interrupt that arrives while a finalizer runs: send that one again.
        if unraisable.exc_type is KeyboardInterrupt:
            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, _RESEND_SECONDS)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Leave a signal alone that the caller ignores, as nohup does with SIGHUP.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interrupt)


def _end_at_once_on_signals() -> None:
    """Let a signal end Python's shutdown at once, without a traceback: everything is written and reported by now."""
    import signal

    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _print_version() -> bool:
    """Print the version. Returns False if stdout cannot be written; the full command then reports that."""
    from frostline import __version__

    try:
        sys.stdout.write(f"frostline {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError):  # stdout is None if it was closed before the start
        return False
    return True


if __name__ == "__main__":
    main()
