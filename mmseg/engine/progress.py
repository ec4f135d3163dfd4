"""The live line of a training on a terminal; elsewhere there are the lines of the log alone."""

import logging
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mmseg.engine.log import device_memory, waiting
from mmseg.ranks import is_main

SHARE = 'mix.pseudo_weight'


class ProgressBar:
    """Iteration, speed, time to go, and what was last logged. Lines of the log go above it.

    Args:
        logger: whose lines these are.
        total: length of the run.
        initial: finished iterations.
    """

    def __init__(self, logger: logging.Logger, total: int, initial: int) -> None:
        self._logger, self._total, self._initial = logger, total, initial
        self._wanted = is_main() and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None
        self._stack = ExitStack()

    def move(self, iteration: int) -> None:
        """Another iteration is finished; asks nothing of the device. The first one opens the line: what fails before
        the loop begins would not close it."""
        if self._wanted and self._bar is None:
            self._stack.enter_context(logging_redirect_tqdm([self._logger]))
            self._bar = tqdm(
                total=self._total,
                initial=self._initial,
                desc='train',
                unit='it',
                dynamic_ncols=True,
                leave=False,
            )
            self._stack.callback(self._bar.close)
        if self._bar is not None:
            self._bar.update(iteration - self._bar.n)

    def say(self, lr: float, times: Mapping[str, float], values: Mapping[str, float]) -> None:
        """What is said until the next line of the log; arguments: :meth:`mmseg.engine.log.LogWriter.training`."""
        if self._bar is not None:
            self._bar.set_postfix_str(told(lr, times, values), refresh=False)

    def close(self) -> None:
        """Take it away."""
        self._stack.close()
        self._bar = None


def told(lr: float, times: Mapping[str, float], values: Mapping[str, float]) -> str:
    """E.g. 'loss 0.879, pseudo 0.55, lr 2.9e-04, data 1 %', on a GPU with its memory."""
    loss = next((value for name, value in values.items() if name.endswith('loss_seg')), None)
    parts = [] if loss is None else [f'loss {loss:.3f}']
    if SHARE in values:
        parts.append(f'pseudo {values[SHARE]:.2f}')
    parts += [f'lr {lr:.1e}', f'data {waiting(times):.0f} %']
    parts += [f'{mebibytes} MiB' for mebibytes in device_memory().values()]
    return ', '.join(parts)
