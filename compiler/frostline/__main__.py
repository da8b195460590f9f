"""The command `frostline`. `--version` imports nothing else, so that build steps can afford to ask for it."""

import sys

_AGAIN = 0.05
"""Seconds after which an interrupt comes again that was dropped."""


def main() -> None:
    """Run the command and exit with its status."""
    if sys.argv[1:] == ["--version"] and _print_version():
        return
    try:
        try:
            _end_on_signals()
            from frostline.cli.main import run

            status = run(sys.argv[1:])
        finally:
            _end_at_once_on_signals()
    except KeyboardInterrupt:  # during the import, or while the first interrupt was reported
        status = 130
    sys.exit(status)


def _end_on_signals() -> None:
    """End on SIGTERM and SIGHUP as on SIGINT: undo what is staged, say so, exit with 130.

    Without a handler the first process of a container never ends on SIGTERM: signal(7), pid_namespaces(7).
    The handler is ours, so that `plug_ins` can tell a signal from a KeyboardInterrupt that a plug-in raises.
    """
    import signal

    def interrupt(number: int, frame: object) -> None:
        sys.unraisablehook = interrupt_again
        raise KeyboardInterrupt

    def interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
        # What is half made now, such as an event loop, may fail when it is taken down: nothing that a user can mend.
        # But Python also drops an interrupt that comes while it runs a finalizer.
        if unraisable.exc_type is KeyboardInterrupt:
            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # nohup has SIGHUP ignored
            signal.signal(number, interrupt)


def _end_at_once_on_signals() -> None:
    """From here on all is written and said: a signal ends what Python does at its end, without a traceback."""
    import signal

    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _print_version() -> bool:
    """Print the version. False: stdout cannot be written; the command itself reports that better."""
    from frostline import __version__

    try:
        sys.stdout.write(f"frostline {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError):  # stdout is None if it was closed before the start
        return False
    return True


if __name__ == "__main__":
    main()
