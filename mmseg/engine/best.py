"""The checkpoint of the best evaluation (``evaluation.save_best``)."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from mmseg.engine.checkpoint import write_checkpoint
from mmseg.engine.distributed import barrier
from mmseg.engine.finite import sound_contents
from mmseg.engine.loop import Run
from mmseg.ranks import is_main

MEMORY = 'best_checkpoint'
Scores = dict[str, float]


@dataclass(frozen=True)
class BestCheckpoint:
    """Keeps one checkpoint, ``best_SCORE_iter_N.pth``; what it remembers is in every checkpoint.

    Attributes:
        score: name of a score, see :func:`score_named`.
        rule: 'greater' or 'less' is better.
    """

    score: str
    rule: str = 'greater'

    def offer(self, run: Run, scores: Scores) -> None:
        """Write a checkpoint if this evaluation is the best so far."""
        name = score_named(self.score, scores)
        value, known = scores[name], run.memory.get(MEMORY)
        best = known['value'] if known else -math.inf if self.rule == 'greater' else math.inf
        if math.isnan(value) or not (value > best if self.rule == 'greater' else value < best):
            return
        started = perf_counter()
        stem = f'best_{re.sub("[^0-9A-Za-z.-]+", "_", name)}_iter_'
        path = Path(run.work_dir) / f'{stem}{run.iteration}.pth'
        run.memory[MEMORY] = {'score': name, 'value': value, 'file': path.name}
        contents = sound_contents(run)
        if is_main():
            write_checkpoint(path, contents)
            run.logger.info(f'Best {name} so far: {100 * value:.2f}; saved as {path.name}')
            for older in path.parent.glob(f'{stem}*.pth'):
                if older != path:
                    older.unlink()
        barrier()
        run.aside += perf_counter() - started


def score_named(wanted: str, scores: Scores) -> str:
    """The key of ``scores`` that a name means: itself, for 'auto' the main mean, for a class its first score."""
    if wanted in scores:
        return wanted
    if wanted == 'auto':
        return 'mIoU' if 'mIoU' in scores else next(name for name in scores if name != 'aAcc')
    return next(name for name in scores if name.partition('.')[2] == wanted)
