"""Stopping a run from outside without losing work."""

import os
import signal
import time
from contextlib import ExitStack
from types import FrameType, TracebackType

from mmseg.errors import UserError
from mmseg.processes import Stopped, answering
from mmseg.ranks import launched_as_main
from mmseg.terminal import tell

NOTICE = '\nFinishing this step, then saving and stopping. Ctrl-C again aborts at once and saves nothing.'


LAUNCHER_GRACE = 5.0
"""Seconds in which further Ctrl-C count as the first one: torchrun hands on the one that the terminal sent already."""


class Interrupted(UserError):
    """The run was stopped from outside and is saved; the message names the command to resume.

    Args:
        message: for the user.
        number: the signal that stopped it; decides the exit code.
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.number = number
        self.exit_code = 128 + number


class StopRequest:
    """Context in which the first of :data:`mmseg.processes.SIGNALS` is only remembered; a second Ctrl-C aborts.

    Attributes:
        number: the signal that came first, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._since = 0.0
        self._grace = LAUNCHER_GRACE if 'LOCAL_WORLD_SIZE' in os.environ else 0.0
        self._stack = ExitStack()

    @property
    def requested(self) -> bool:
        """Whether the run is to stop."""
        return self.number is not None

    def __enter__(self) -> 'StopRequest':
        self._stack.enter_context(answering(self._handle))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            if number == signal.SIGINT and time.monotonic() - self._since >= self._grace:
                raise Stopped(
                    number, 'Stopped by a second Ctrl-C; nothing was saved since the last checkpoint.'
                )
            return
        self.number, self._since = number, time.monotonic()
        if launched_as_main():
            tell(NOTICE)
