"""Stopping a run from outside without losing work."""

import os
import signal
from types import FrameType, TracebackType

from mmseg.errors import UserError

NOTICE = b'\nStopping: this step is finished and everything saved. Ctrl-C again aborts at once and saves nothing.\n'


class Interrupted(UserError):
    """The run was stopped from outside and has saved a checkpoint; the message names the command to resume."""

    exit_code = 130


class StopRequest:
    """Context in which the first Ctrl-C (or SIGTERM) only sets :attr:`requested`; the second one aborts.

    Loader workers are forked from this process and inherit the handlers. A Ctrl-C in a terminal reaches them too;
    they ignore it, so the batch that is being made still arrives.
    """

    def __init__(self) -> None:
        self.requested = False
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
            raise KeyboardInterrupt
        self.requested = True
        os.write(2, NOTICE)
