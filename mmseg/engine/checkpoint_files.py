"""Which checkpoints a work folder holds, told by their names: nothing is opened, and torch is not needed."""

import re
from pathlib import Path

OF_A_RUN = re.compile(r'latest\.pth|best_.*\.pth|epoch_\d+\.pth')
"""Names of checkpoints besides ``iter_N.pth``, those of other programs included."""


def checkpoints(work_dir: Path) -> list[Path]:
    """Checkpoints of any kind, the newest ``iter_N.pth`` last."""
    others = [path for path in work_dir.glob('*.pth') if OF_A_RUN.fullmatch(path.name) and path.is_file()]
    return [*sorted(others), *numbered(work_dir)]


def numbered(work_dir: Path) -> list[Path]:
    """``iter_N.pth`` by N."""
    found = [path for path in work_dir.glob('iter_*.pth') if path.stem[5:].isdecimal()]
    return sorted(found, key=iteration_of)


def best(work_dir: Path) -> list[Path]:
    """``best_SCORE_iter_N.pth``, which hold everything, too (:mod:`mmseg.engine.best`)."""
    return [path for path in work_dir.glob('best_*_iter_*.pth') if path.stem.rpartition('_')[2].isdecimal()]


def iteration_of(path: Path) -> int:
    """N of ``..._N.pth``."""
    return int(path.stem.rpartition('_')[2])
