"""Signals and child processes: what happens when the system or the user wants a program to stop."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType

from mmseg.terminal import tell

NAMES = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2')
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
"""What asks a program to stop: Ctrl-C, ``kill``, a closed terminal, and what schedulers send before the time is up.

Windows has the first two only.
"""
HANGUP = getattr(signal, 'SIGHUP', None)
KILL = getattr(signal, 'SIGKILL', signal.SIGTERM)

EXIT_CODES = (
    'signals:\n  Ctrl-C (SIGINT), SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2, sent to the program or to its process group: '
    'the step\n  in progress is finished, a checkpoint is saved, the command to go on is printed. Exit code: 128 + '
    'number of the\n  signal (130, 143, 129, 138, 140). A second Ctrl-C aborts at once. Under nohup SIGHUP is '
    'ignored.\n'
)
"""Paragraph for ``--help`` of the programs that train."""

PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
LARGEST_KEPT, MOST_KEPT = 32 << 20, 256 << 20
"""Bytes of an array that is kept when it is freed (more cannot be set), and of all that is kept at the heap's end."""
MOST_KEPT_OF_TENSORS = 1 << 30
"""Bytes that a network on a processor keeps at the heap's end."""
Handler = Callable[[int, FrameType | None], None]


class Stopped(KeyboardInterrupt):
    """A signal has ended the program at once, without anything saved.

    Args:
        number: the signal.
        message: what to tell the user.
    """

    def __init__(self, number: int, message: str = '') -> None:
        super().__init__(message or f'Stopped by {signal_name(number)}; there was nothing to save.')
        self.number = number


def signal_name(number: int) -> str:
    """'Ctrl-C' or the name of the signal."""
    return 'Ctrl-C' if number == signal.SIGINT else signal.Signals(number).name


def stop_at_once(number: int, frame: FrameType | None) -> None:
    """Signal handler of a program that has nothing to save: raises :class:`Stopped`.

    Inside an import it leaves without that: libraries swallow exceptions there and go on half imported.
    """
    stopped = Stopped(number)
    outer = frame
    while outer is not None:
        if outer.f_code.co_filename.startswith('<frozen importlib'):
            tell(str(stopped))
            os._exit(128 + number)
        outer = outer.f_back
    raise stopped


@contextmanager
def answering(handler: Handler) -> Iterator[None]:
    """Let ``handler`` answer :data:`SIGNALS` inside the block.

    SIGHUP stays ignored where ``nohup`` has asked for it. Forked children inherit the handlers: they obey SIGTERM, by
    which pools end them, and leave the rest to this process. In another thread than the main one, where Python allows
    no handlers, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()

    def answer(number: int, frame: FrameType | None) -> None:
        if os.getpid() == process:
            handler(number, frame)
        elif number == signal.SIGTERM:
            os._exit(128 + number)

    ignored = HANGUP is not None and signal.getsignal(HANGUP) is signal.SIG_IGN
    numbers = [number for number in SIGNALS if not (ignored and number == HANGUP)]
    previous = {number: signal.signal(number, answer) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def start_tracker() -> None:
    """Start the process in which multiprocessing keeps its books, unless children are forked, which need none.

    Any library may bring it up; :data:`SIGNALS` never reach one that was started here.
    """
    if multiprocessing.get_start_method() == 'fork':
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def blocking() -> Iterator[None]:
    """Hold :data:`SIGNALS` back inside the block; processes started in it never get them, however they start."""
    if not hasattr(signal, 'pthread_sigmask'):
        yield
        return
    start_tracker()  # later the first process would bring it up, after which older Pythons let two signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def die_with_parent(number: int = KILL) -> None:
    """Have the kernel send this process a signal when its parent is gone (Linux; elsewhere nothing happens)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def keep_freed_memory() -> None:
    """Have glibc keep the memory of freed arrays for the next ones (elsewhere nothing happens).

    Otherwise each decoded picture gets new pages from the kernel, which fills them with zeros first.
    """
    _tell_malloc({M_MMAP_THRESHOLD: LARGEST_KEPT, M_TRIM_THRESHOLD: MOST_KEPT})


def keep_tensor_memory() -> None:
    """Have glibc and torch keep the memory of tensors on a processor, whatever their size, in large pages.

    A step frees and takes hundreds of maps of many MB. From the kernel each comes page by page and filled with zeros,
    up to a third of the processor time of HRDA's steps (docs/performance.md#memory-that-is-kept). So no block is mapped
    by itself any more, and torch asks for pages of 2 MB (its variable THP_MEM_ALLOC_ENABLE, read with the first large
    tensor). What the user has set in the environment stays. Elsewhere than with glibc nothing happens.
    """
    os.environ.setdefault('THP_MEM_ALLOC_ENABLE', '1')
    if not any(name.startswith('MALLOC_') or name == 'GLIBC_TUNABLES' for name in os.environ):
        _tell_malloc({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: MOST_KEPT_OF_TENSORS})


def _tell_malloc(values: Mapping[int, int]) -> None:
    """Set glibc's parameters by number; elsewhere nothing happens."""
    if sys.platform == 'linux' and hasattr(libc := ctypes.CDLL(None), 'mallopt'):
        for parameter, value in values.items():
            libc.mallopt(parameter, value)


def children_of(process: int) -> list[int]:
    """Ids of the processes that a process has started from its main thread; empty where /proc does not tell."""
    try:
        return [
            int(word)
            for word in Path(f'/proc/{process}/task/{process}/children').read_text(encoding='ascii').split()
        ]
    except OSError:
        return []
