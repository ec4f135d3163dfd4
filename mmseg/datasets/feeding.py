"""Taking batches from loader processes without waiting for ever: they may be killed, hang, or lack shared memory."""

import errno
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

import cv2
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info

from mmseg.errors import ResourceError
from mmseg.faults import NO_SHARED
from mmseg.processes import SIGNALS, blocking, die_with_parent, keep_freed_memory

CHILD, BUS = (getattr(signal, name, None) for name in ('SIGCHLD', 'SIGBUS'))
"""Signals that Windows does not have."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the loader processes while a batch is awaited."""

TIMEOUT = 50.0
"""Seconds without a batch after which to give up."""

TIMED_OUT, DIED = re.compile('DataLoader timed out'), re.compile(r'DataLoader worker \(pid')
"""How torch says that nothing came within ``LOOK_EVERY``, and that a process is gone."""


class GivenUp(Exception):
    """The user stops the run while it waits for a batch."""


class Loader(Iterable[Any]):
    """What can be iterated over once or more, each time through a new :class:`Feed`.

    Args:
        batches: torch's loader, made with :func:`worker_options`.
        timeout, give_up: see :class:`Feed`.
    """

    def __init__(
        self, batches: DataLoader[Any], timeout: float = TIMEOUT, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        self._batches = batches
        self._options = (timeout, give_up)

    def __iter__(self) -> 'Feed':
        return Feed(self._batches, *self._options)

    def __len__(self) -> int:
        return len(self._batches)


class Feed(Iterator[Any]):
    """Iterator over the batches of a loader.

    torch itself would wait for ever for a batch that a process has lost, and would raise the news of a dead process
    in the middle of a step. Here both are found out while waiting, when the state of the run is that of the last
    finished step.

    Args:
        loader: made with :func:`worker_options`.
        timeout: seconds to wait for a batch; 0 waits for ever.
        give_up: asked about once a second while waiting.

    Raises:
        ResourceError: a process died, nothing came in time, or there is no shared memory.
        GivenUp: ``give_up`` said so.
    """

    def __init__(self, loader: DataLoader[Any], timeout: float, give_up: Callable[[], bool]) -> None:
        self._timeout = timeout
        self._give_up = give_up
        self._iterator: Iterator[Any] | None
        self._workers: list[BaseProcess] = []
        before, handler = set(active_children()), None if CHILD is None else signal.getsignal(CHILD)
        try:
            with blocking() if loader.num_workers else nullcontext():
                self._iterator = iter(loader)
        except OSError as error:
            raise ResourceError(NO_SHARED) if error.errno == errno.ENOSPC else error from error
        finally:
            self._workers = [child for child in active_children() if child not in before]
            if CHILD and self._workers and threading.current_thread() is threading.main_thread():
                signal.signal(CHILD, handler)

    def __iter__(self) -> 'Feed':
        return self

    def __next__(self) -> Any:
        if self._iterator is None:
            raise StopIteration
        waited = 0.0
        while True:
            try:
                return next(self._iterator)
            except RuntimeError as error:
                if DIED.search(str(error)):
                    raise self._death() from error
                if not TIMED_OUT.search(str(error)):
                    self.close()
                    raise
            except Exception:  # the end, or what a sample raised: no batch follows
                self.close()
                raise
            waited += LOOK_EVERY
            if self._give_up():
                raise GivenUp
            if 0 < self._timeout <= waited:
                raise ResourceError(
                    f'No batch arrived for {self._timeout:g} seconds, though the {len(self._workers)} loader processes '
                    'are alive: the disk or the network does not answer, or reading is too slow. See whether the data '
                    'can be read now; where it only takes long, set data.timeout to more seconds (0 waits for ever) or '
                    'data.workers_per_gpu to more processes.'
                )

    def close(self) -> None:
        """End the loader processes, hanging ones too; they ignore what torch would send them."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.join()
        self._iterator = None

    def _death(self) -> ResourceError:
        codes = [worker.exitcode for worker in self._workers if worker.exitcode]
        if BUS is not None and -BUS in codes:
            return ResourceError(NO_SHARED)
        ways = ', '.join(f'signal {-code}' if code < 0 else f'exit code {code}' for code in codes)
        return ResourceError(
            f'A loader process has died ({ways or "without a word"}). Signal 9 mostly means that the system ended it '
            'because memory ran out: load with fewer processes (data.workers_per_gpu), use smaller batches '
            '(data.samples_per_gpu) or smaller crops (crop_size), or give the job more memory.'
        )


def worker_options(workers: int) -> dict[str, Any]:
    """Options of a torch loader whose batches go through :class:`Feed`."""
    if not workers:
        return {'num_workers': 0}
    return {'num_workers': workers, 'timeout': LOOK_EVERY, 'worker_init_fn': start_worker}


def start_worker(number: int) -> None:
    """Set up loader process ``number``: one OpenCV thread; signals are left to the main process, with which it ends."""
    cv2.setNumThreads(0)
    keep_freed_memory()
    die_with_parent()
    for wanted in SIGNALS:
        signal.signal(wanted, signal.SIG_IGN)


def shared(batch: Any) -> Any:
    """In a loader process, move the tensors of a batch into shared memory.

    torch would do it in a thread that sends the batch, where running out of shared memory loses the batch silently.
    """
    if get_worker_info() is None:
        return batch
    if isinstance(batch, Tensor):
        return batch.share_memory_()
    if isinstance(batch, dict):
        return {key: shared(value) for key, value in batch.items()}
    if isinstance(batch, list):
        return [shared(value) for value in batch]
    return batch
