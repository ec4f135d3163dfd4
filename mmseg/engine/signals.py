"""Stopping a run from outside without losing work."""

import os
import signal
import time
from types import FrameType, TracebackType

from mmseg.errors import UserError

NOTICE = b'\nFinishing this step, then saving and stopping. Ctrl-C again aborts at once and saves nothing.\n'


LAUNCHER_GRACE = 5.0
"""Seconds in which further Ctrl-C count as the first one: torchrun hands on the one that the terminal sent already."""


class Interrupted(UserError):
    """The run was stopped from outside and has saved a checkpoint; the message names the command to resume."""

    exit_code = 130


class StopRequest:
    """Context in which the first Ctrl-C (or SIGTERM) only sets :attr:`requested`; a second Ctrl-C aborts.

    Loader workers are forked from this process and inherit the handlers. A Ctrl-C in a terminal reaches them too;
    they ignore it, so the batch that is being made still arrives.
    """

    def __init__(self) -> None:
        self.requested = False
        self._since = 0.0
        self._grace = LAUNCHER_GRACE if 'LOCAL_WORLD_SIZE' in os.environ else 0.0
        self._process = os.getpid()
        self._previous: dict[int, object] = {}

    def __enter__(self) -> 'StopRequest':
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        if self.requested:
            if number == signal.SIGINT and time.monotonic() - self._since >= self._grace:
                raise KeyboardInterrupt
            return
        self.requested, self._since = True, time.monotonic()
        if os.environ.get('RANK', '0') == '0':
            os.write(2, NOTICE)
