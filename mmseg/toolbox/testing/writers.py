"""Writing the results of a test run beside the network: encoding and files in threads."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from mmseg.engine.evaluate import PredictedPicture
from mmseg.toolbox.testing.outputs import Output

THREADS = 2
"""Encoding PNGs takes about as long as predicting on a GPU; a picture of 2048x1024 that waits takes 40 MB."""


class Writers:
    """Gives predictions to outputs, to those that allow it in threads, which are waited for when the block ends.

    Args:
        outputs: get every prediction.

    Raises:
        What an output raises, at one of the next predictions or in the end.
    """

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._at_once = [output for output in outputs if not output.threaded]
        self._threaded = [output for output in outputs if output.threaded]
        self._pool = ThreadPoolExecutor(THREADS, 'writer') if self._threaded else None
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> 'Writers':
        return self

    def add(self, prediction: PredictedPicture) -> None:
        """Use one prediction; waits while twice as many as there are threads are not written yet."""
        for output in self._at_once:
            output.add(prediction)
        if self._pool is None:
            return
        self._waiting.append(self._pool.submit(self._write, prediction))
        if len(self._waiting) > 2 * THREADS:
            self._waiting.popleft().result()

    def _write(self, prediction: PredictedPicture) -> None:
        for output in self._threaded:
            output.add(prediction)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        if error is not None:
            for future in self._waiting:
                future.cancel()
        self._pool.shutdown()
        if error is None:
            for future in self._waiting:
                future.result()
