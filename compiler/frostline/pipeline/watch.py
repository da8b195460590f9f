"""When `frostline watch` takes its next turn: once servers or files have changed and then stayed quiet for a while."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

from msgspec import Struct

from frostline.errors import FrostlineError
from frostline.pipeline.compile.inputs import input_files
from frostline.pipeline.freeze.live import live_sources
from frostline.settings import Config, LiveSettings
from frostline.sources.base import Watch, watch_of

LONGEST_QUIET = 4
"""A turn waits at most this many times `quiet_for`, even if changes never end."""
CONFIRM = 3600.0
"""Seconds after which everything is read again, even if no server reports a change."""
UNTIL_MENDED = 300.0
"""The same after a refusal or a failed program: when a person mends the cause, no server reports it."""
_WAIT = 25.0
"""Seconds of a blocking query: some proxies end a request that has no answer after 30 s."""
_PAUSE = 1.0
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0
_LOOK = 1.0
"""Seconds between two checks of the local files."""
_BASELINE = 5.0
"""Seconds that the first turn waits for each server's first answer."""

Clock = Callable[[], float]


class Schedule:
    """When the next turn is due. Times are seconds of one clock. The first turn is due at once.

    quiet_for: seconds without a change after which a turn is due. every: seconds after which a turn is due anyway.
    """

    def __init__(self, now: float, *, quiet_for: float, every: float) -> None:
        self._quiet_for, self._every = quiet_for, every
        self._first = self._last = self._retry = float("inf")
        self._regular = now
        self._delay = _FIRST_RETRY

    def note_change(self, now: float) -> None:
        """Note that something may have changed."""
        self._first = min(self._first, now)
        self._last = now

    def due(self) -> float:
        """Return when the next turn is due, unless something changes before."""
        settled = min(self._last + self._quiet_for, self._first + LONGEST_QUIET * self._quiet_for)
        return min(settled, self._retry, self._regular)

    def begin(self) -> None:
        """Begin a turn, which sees all changes so far."""
        self._first = self._last = self._retry = float("inf")

    def end(self, now: float, *, failed: bool, every: float) -> None:
        """End the turn. failed: something could not be read or written, so it is tried again, after longer and longer
        pauses."""
        self._every = every
        self._regular = now + self._every
        if failed:
            self._retry = now + self._delay
            self._delay = min(2 * self._delay, _LAST_RETRY)
        else:
            self._delay = _FIRST_RETRY


class SourceWatcher:
    """Waits for one server in a thread, and calls `notify` when the server may have changed, fails or answers again.

    notify: called with None, or with an exception that is a bug.
    pause: seconds between two waits, so that a catalog that never stops changing costs little.
    ready: set once the server has answered or failed.
    tells_all: as in `Watch`.
    The process does not wait for the thread when it ends.
    """

    def __init__(
        self, watch: Watch, notify: Callable[[Exception | None], None], *, pause: float, retry: float = _FIRST_RETRY
    ) -> None:
        self.ready = Event()
        self.tells_all = watch.tells_all
        self._watch, self._notify, self._pause, self._retry = watch, notify, pause, retry
        self._stopped = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop notifying. A wait that is under way ends by itself."""
        self._stopped.set()

    def _run(self) -> None:
        seen: Mapping[str, int] | None = None
        failing = False
        delay = self._retry
        while not self._stopped.is_set():
            try:
                now = self._watch.wait(seen, _WAIT)
            except FrostlineError:
                if not failing:
                    self._tell(None)  # the next turn reads the server and says what is wrong
                failing, seen = True, None
                self._stopped.wait(delay)
                delay = min(2 * delay, _LAST_RETRY)
            except Exception as error:  # noqa: BLE001 - raised again in the main thread
                self._tell(error)
                return
            else:
                if now != seen:
                    self._tell(None)
                failing, seen, delay = False, now, self._retry
                self._stopped.wait(self._pause)

    def _tell(self, error: Exception | None) -> None:
        if not self._stopped.is_set():
            self._notify(error)
            self.ready.set()


class _Stamp(Struct, frozen=True):
    written: int
    size: int
    inode: int


class LocalFiles:
    """Notices when files that a run reads change, by their times; and new files, by the times of their folders."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._paths = _inputs(config)
        self._files = _stamps(self._paths)
        self._folders = _stamps({path.parent for path in self._paths})

    def follow(self, config: Config) -> None:
        """Follow the files of this configuration from now on. Files that were followed before keep their last known
        state, as they may have changed since."""
        new = LocalFiles(config)
        self._config, self._paths = config, new._paths
        self._files = {path: self._files.get(path, stamp) for path, stamp in new._files.items()}
        self._folders = {path: self._folders.get(path, stamp) for path, stamp in new._folders.items()}

    def has_changed(self) -> bool:
        """Whether a file has changed since the last call."""
        files, folders = _stamps(self._paths), _stamps(self._folders)
        changed = files != self._files
        if not changed and folders != self._folders:  # a new file, but maybe one that we wrote or do not read
            paths = _inputs(self._config)
            changed, self._paths = paths != self._paths, paths
            files = _stamps(paths)
            folders = _stamps({path.parent for path in paths})
        self._files, self._folders = files, folders
        return changed


def _inputs(config: Config) -> frozenset[Path]:
    try:
        return frozenset({config.path, *input_files(config)})
    except FrostlineError:  # a broken job file: the turn says so
        return frozenset({config.path})


def _stamps(paths: Iterable[Path]) -> dict[Path, _Stamp | None]:
    found: dict[Path, _Stamp | None] = {}
    for path in paths:
        try:
            status = path.stat()
        except (OSError, ValueError):
            found[path] = None
        else:
            found[path] = _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)
    return found


class Watching:
    """Everything that one `frostline watch` waits for: the servers, each in a thread, and the local files.

    quiet_for: seconds. poll: seconds between two reads if a source cannot report all its changes.
    """

    def __init__(self, config: Config, *, quiet_for: float, poll: float, clock: Clock = time.monotonic) -> None:
        self._quiet_for, self._poll, self._clock = quiet_for, poll, clock
        self._notices: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._watchers: dict[str, tuple[LiveSettings, SourceWatcher | None]] = {}
        self._files = LocalFiles(config)
        self._follow(config)
        for _, watcher in self._watchers.values():
            if watcher is not None:
                watcher.ready.wait(_BASELINE)
        self._schedule = Schedule(clock(), quiet_for=quiet_for, every=self._every())

    @property
    def polled(self) -> Sequence[str]:
        """The sources that cannot report all their changes, sorted."""
        return sorted(name for name, (_, watcher) in self._watchers.items() if watcher is None or not watcher.tells_all)

    def now(self) -> float:
        """The time, in seconds of the clock that turns use."""
        return self._clock()

    def wait(self) -> None:
        """Wait until a turn is due, and begin it."""
        while (left := self._schedule.due() - self._clock()) > 0:
            self._take(min(left, _LOOK))
            if self._files.has_changed():
                self._schedule.note_change(self._clock())
        while not self._notices.empty():
            self._take(0)
        self._schedule.begin()

    def end_turn(self, config: Config | None, *, failed: bool, mendable: bool = False) -> None:
        """End the turn.

        config: the configuration to follow from now on; None if it could not be read.
        failed: as in `Schedule.end`. mendable: the turn was refused, or the program failed: it is tried again soon.
        """
        if config is not None:
            self._follow(config)
        every = min(self._every(), UNTIL_MENDED) if mendable else self._every()
        self._schedule.end(self._clock(), failed=failed, every=every)

    def _take(self, seconds: float) -> None:
        """Take a notice if one comes within this time. Raises the bug that a thread met."""
        try:
            notice = self._notices.get(timeout=seconds) if seconds else self._notices.get_nowait()
        except queue.Empty:
            return
        if notice is not None:
            raise notice
        self._schedule.note_change(self._clock())

    def _every(self) -> float:
        return self._poll if self.polled else CONFIRM

    def _follow(self, config: Config) -> None:
        self._files.follow(config)
        live = live_sources(config)
        for name, (settings, watcher) in list(self._watchers.items()):
            if live.get(name) != settings:
                if watcher is not None:
                    watcher.stop()
                del self._watchers[name]
        for name, settings in live.items():
            if name not in self._watchers:
                watch = watch_of(settings)
                pause = min(_PAUSE, self._quiet_for / 4)
                watcher = SourceWatcher(watch, self._notices.put, pause=pause) if watch else None
                self._watchers[name] = (settings, watcher)
