"""Where log lines go: text, JSON lines (docs/methods/tools.md#logs) and, on request, experiment trackers."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmseg.engine.trackers import Tracker
from mmseg.errors import TrainingError

EXP_NAME_INTERVAL = 1000


class LogWriter:
    """Writes training and evaluation lines.

    Args:
        path: file of JSON lines; None writes none (ranks above 0).
        name: name of the run, repeated in the text log now and then.
        trackers: further places.
    """

    def __init__(self, path: Path | None, name: str = '', trackers: Iterable[Tracker] = ()) -> None:
        self.logger = logging.getLogger('mmseg')
        self.path = path
        self.name = name
        self.trackers = list(trackers)

    def meta(self, entries: Mapping[str, Any]) -> None:
        """First line: what is known about the run."""
        self._line(dict(entries))

    def training(
        self,
        iteration: int,
        total: int,
        lr: float,
        eta: float,
        times: Mapping[str, float],
        values: Mapping[str, float],
    ) -> None:
        """One line for the interval that ends with ``iteration``.

        Args:
            iteration: finished iterations.
            total: length of the run.
            lr: rate of the first parameter.
            eta: seconds to go.
            times: mean seconds per iteration, ``time`` and its part ``data_time``.
            values: means by log name, in order.
        """
        if total >= EXP_NAME_INTERVAL and iteration % EXP_NAME_INTERVAL == 0:
            self.logger.info(f'Exp name: {self.name}')
        memory = device_memory()
        fields = [f'lr: {lr:.3e}', f'eta: {timedelta(seconds=int(eta))}']
        fields += [f'time: {times["time"]:.3f}', f'data_time: {times["data_time"]:.3f}']
        fields.append(f'waiting for data: {waiting(times):.0f} %')
        fields += [f'{name}: {value}' for name, value in memory.items()]
        fields += [f'{name}: {value:.4f}' for name, value in values.items()]
        self.logger.info(f'Iter [{iteration}/{total}]\t{", ".join(fields)}')
        head = {'mode': 'train', 'epoch': 1, 'iter': iteration, 'lr': lr, **memory}
        self._line({**head, 'data_time': times['data_time'], **values, 'time': times['time']})
        self._track(iteration, {'lr': lr, **memory, **times, **values})

    def evaluation(self, iteration: int, lr: float, scores: Mapping[str, float]) -> None:
        """One line with the scores after ``iteration`` (the published log mixes them into a training line)."""
        self._line({'mode': 'val', 'epoch': 1, 'iter': iteration, 'lr': lr, **scores})
        self._track(iteration, scores)

    def picture(self, iteration: int, name: str, picture: NDArray[np.uint8]) -> None:
        """Show a debug picture to the trackers, see :meth:`mmseg.engine.trackers.Tracker.picture`."""
        self._tell(lambda tracker: tracker.picture(iteration, name, picture))

    def close(self) -> None:
        """Close the trackers."""
        self._tell(lambda tracker: tracker.close())

    def _line(self, entries: dict[str, Any]) -> None:
        if self.path is None:
            return
        rounded = {key: _rounded(key, value) for key, value in entries.items()}
        try:
            with self.path.open('a', encoding='utf-8') as file:
                file.write(json.dumps(rounded) + '\n')
        except OSError as error:
            raise TrainingError(
                f'{self.path}: the log cannot be written ({error.strerror}). Make room, then go on from the last '
                'checkpoint with --resume.'
            ) from error

    def _track(self, iteration: int, values: Mapping[str, float]) -> None:
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        self._tell(lambda tracker: tracker.numbers(iteration, finite))

    def _tell(self, action: Callable[[Tracker], None]) -> None:
        """Do something with each tracker; one that fails is told of and left out, since the run is worth more."""
        for tracker in self.trackers:
            try:
                action(tracker)
            except Exception as error:  # whatever packages that are not ours may raise
                self.trackers = [other for other in self.trackers if other is not tracker]
                kind = type(tracker).__name__
                self.logger.warning(
                    f'{kind} gets nothing more of this run ({error}); the log files have it all.'
                )


def waiting(times: Mapping[str, float]) -> float:
    """Per cent of an iteration that the step had no batch; ``times``: :meth:`LogWriter.training`."""
    return 100 * times['data_time'] / max(times['time'], 1e-9)


def _rounded(key: str, value: Any) -> Any:
    """Five decimals, as published; of rates, which may be smaller, five digits."""
    if not isinstance(value, float):
        return value
    return float(f'{value:.5g}') if key == 'lr' else round(value, 5)


def device_memory() -> dict[str, int]:
    """Peak device memory in MiB; empty without a GPU."""
    if not torch.cuda.is_available():
        return {}
    return {'memory': int(torch.cuda.max_memory_allocated() / 2**20)}
