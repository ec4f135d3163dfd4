"""What happens around iterations: logging, evaluation, checkpoints, debug pictures."""

import copy
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from prettytable import PrettyTable
from torch import Tensor

from mmseg.engine.best import BestCheckpoint, score_named
from mmseg.engine.checkpoint import mark_latest, remove_old, write_checkpoint
from mmseg.engine.distributed import barrier
from mmseg.engine.evaluate import Abandoned
from mmseg.engine.finite import sound_contents
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Hook, Run
from mmseg.engine.optimizer import set_learning_rates
from mmseg.engine.progress import ProgressBar
from mmseg.models.global_batch import average_statistics
from mmseg.ranks import is_main
from mmseg.uda.trainable import LossGroup

Scores = dict[str, float]


def due(run: Run, interval: int) -> bool:
    """Whether an action of that interval follows the step just finished."""
    return interval > 0 and run.iteration % interval == 0


class LogHook(Hook):
    """Averages the log values of an interval and writes one line (docs/methods/tools.md#logs).

    Args:
        writer: where lines go.
        interval: iterations between lines; the host waits for the device once per line.
    """

    def __init__(self, writer: LogWriter, interval: int = 50) -> None:
        self.writer = writer
        self.interval = interval

    def before_run(self, run: Run) -> None:
        self._data_time = 0.0
        self._start = self._mark = (perf_counter(), run.aside, run.iteration)
        self._bar = ProgressBar(run.logger, run.max_iters, run.iteration)

    def after_iteration(self, run: Run) -> None:
        self._data_time += run.data_time
        self._bar.move(run.iteration)
        if due(run, self.interval) or run.iteration == run.max_iters:
            self._write(run)

    def after_run(self, run: Run) -> None:
        self._bar.close()
        self.writer.close()

    def _write(self, run: Run) -> None:
        if not len(run.metrics):
            return
        sound_contents(run)
        values = run.metrics.flush()
        count = run.iteration - self._mark[2]
        times = {'data_time': self._data_time / count, 'time': self._seconds_per_step(run, self._mark)}
        eta = self._seconds_per_step(run, self._start) * (run.max_iters - run.iteration)
        lr = run.optimizer.optimizer.param_groups[0]['lr']
        self.writer.training(run.iteration, run.max_iters, lr, eta, times, values)
        self._bar.say(lr, times, values)
        self._mark, self._data_time = (perf_counter(), run.aside, run.iteration), 0.0

    @staticmethod
    def _seconds_per_step(run: Run, since: tuple[float, float, int]) -> float:
        """Mean duration of a step since a mark, without evaluation and saving."""
        clock, aside, iteration = since
        return max(perf_counter() - clock - (run.aside - aside), 0.0) / max(run.iteration - iteration, 1)


class ClosableObserver(Protocol):
    """An observer of loss groups that has something to finish.

    Attributes:
        interval: iterations between those that it looks at; 0: never.
    """

    interval: int

    def __call__(self, iteration: int, group: LossGroup) -> None:
        """See :data:`mmseg.uda.trainable.Observer`."""

    def finish(self, iteration: int) -> None:
        """The iteration has no more groups."""

    def close(self) -> None:
        """The run ends."""


class ObserverHook(Hook):
    """Lets an observer, such as debug pictures, watch the loss groups of a run."""

    def __init__(self, observer: ClosableObserver) -> None:
        self.observer = observer

    def before_run(self, run: Run) -> None:
        """Start watching."""
        run.trainable.watch(self.observer, self.observer.interval, self.observer.finish)

    def after_run(self, run: Run) -> None:
        """Stop watching and finish."""
        run.trainable.unwatch(self.observer)
        self.observer.close()


class EvaluationHook(Hook):
    """Scores the student every few iterations and shows what changed.

    Args:
        evaluate: returns the scores (fractions in [0, 1] by published name) and the published tables as text.
        writer: where scores go.
        interval: iterations between evaluations.
        best: keeps the checkpoint of the best evaluation; None keeps none.
    """

    def __init__(
        self,
        evaluate: Callable[[Run], tuple[Scores, str]],
        writer: LogWriter,
        interval: int,
        best: BestCheckpoint | None = None,
    ) -> None:
        self.evaluate = evaluate
        self.best = best
        self.writer = writer
        self.interval = interval

    def before_run(self, run: Run) -> None:
        """Make up for an evaluation that a stop cut short."""
        if run.memory.pop('evaluation_missing', False):
            # The rate of the last step is not saved, and that of the next one is not set yet.
            set_learning_rates(run.optimizer, run.settings.schedule, run.iteration - 1, run.max_iters)
            self._evaluate(run)

    def after_iteration(self, run: Run) -> None:
        if due(run, self.interval):
            self._evaluate(run)

    def _evaluate(self, run: Run) -> None:
        started = perf_counter()
        average_statistics(run.trainable)
        try:
            scores, tables = self.evaluate(run)
        except Exception as reason:
            run.memory['evaluation_missing'] = True
            if isinstance(reason, Abandoned):
                return
            raise
        finally:
            run.trainable.train()
        last, best = run.memory.get('last_scores'), run.memory.get('best_scores')
        run.logger.info(tables)
        if last is not None and best is not None:
            run.logger.info(f'change in percentage points:\n{change_table(scores, last, best)}')
        self.writer.evaluation(run.iteration, run.optimizer.optimizer.param_groups[0]['lr'], scores)
        run.memory['last_scores'] = scores
        if best is None or main_score(scores) >= main_score(best):
            run.memory['best_scores'] = scores
        run.aside += perf_counter() - started
        if self.best is not None:
            self.best.offer(run, scores)


def main_score(scores: Scores) -> float:
    """What decides which evaluation is the best: mIoU, or the first mean there is."""
    return scores[score_named('auto', scores)]


def change_table(scores: Scores, last: Scores, best: Scores) -> str:
    """The first score per class in percent with the change since the last and the best evaluation."""
    mean = score_named('auto', scores)
    kind = mean[1:]
    table = PrettyTable(['Class', kind, 'vs last', 'vs best'])
    table.align = 'r'
    table.align['Class'] = 'l'
    rows = [name for name in scores if name.startswith(f'{kind}.')]
    for name in [*rows, mean]:
        value = scores[name]
        changes = [_percent(value - other.get(name, math.nan), '+') for other in (last, best)]
        table.add_row([name.removeprefix(f'{kind}.'), _percent(value), *changes], divider=name == rows[-1])
    return str(table.get_string())


def _percent(share: float, sign: str = '') -> str:
    return '-' if math.isnan(share) else f'{100 * share:{sign}.2f}'


class CheckpointHook(Hook):
    """Saves everything that evolves, at intervals, at the end and when the user stops the run.

    Args:
        interval: iterations between checkpoints; 0 saves only at the end.
        keep: number of files to keep; -1 keeps all.
        save_last: save after the last iteration even if no interval ends there.
        async_save: write in a thread while training goes on, from a copy in the host's memory. A run ends when
            everything is written; a second checkpoint waits for the first.
    """

    def __init__(
        self, interval: int = 0, keep: int = -1, save_last: bool = True, async_save: bool = False
    ) -> None:
        self.interval = interval
        self.keep = keep
        self.save_last = save_last
        self._saved = -1
        self._writing: Future[None] | None = None
        self.async_save = async_save

    def before_run(self, run: Run) -> None:
        self._saved = run.iteration

    def after_iteration(self, run: Run) -> None:
        if due(run, self.interval) or (self.save_last and run.iteration == run.max_iters):
            self._save(run)

    def after_run(self, run: Run) -> None:
        try:
            if run.stopped:
                self._save(run)
        finally:
            self._wait()

    def _wait(self) -> None:
        """Wait until the last checkpoint is written.

        Raises:
            TrainingError: it could not be.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _save(self, run: Run) -> None:
        if self._saved == run.iteration:
            return
        started = perf_counter()
        average_statistics(run.trainable)
        contents = sound_contents(run)
        if is_main():
            path = Path(run.work_dir) / f'iter_{run.iteration}.pth'
            run.logger.info(f'Saving checkpoint at {run.iteration} iterations')
            self._wait()
            if self.async_save:
                thread = ThreadPoolExecutor(1, thread_name_prefix='checkpoint')
                self._writing = thread.submit(self._write, path, host_copy(contents))
                thread.shutdown(wait=False)  # it ends when the file is written, whatever happens to the run
            else:
                self._write(path, contents)
        barrier()
        self._saved = run.iteration
        run.aside += perf_counter() - started

    def _write(self, path: Path, contents: Mapping[str, Any]) -> None:
        write_checkpoint(path, contents)
        mark_latest(path)
        remove_old(path, self.keep)


def host_copy(value: Any) -> Any:
    """A copy of nested dicts, lists and values, tensors in the host's memory; nothing is shared with the original."""
    if isinstance(value, Tensor):
        return value.detach().to('cpu', copy=True)
    if isinstance(value, Mapping):
        copied: Any = copy.copy(value)  # with what a state dict knows of its versions
        copied.update((key, host_copy(entry)) for key, entry in value.items())
        return copied
    if isinstance(value, list | tuple):
        return type(value)(host_copy(entry) for entry in value)
    return copy.deepcopy(value)
