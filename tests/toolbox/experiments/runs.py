"""Work folders as runs leave them, without training."""

import json
from collections.abc import Mapping
from pathlib import Path

from mmseg.toolbox.reports.results import RunResult, save_result


def write_run(
    folder: Path,
    seed: int = 0,
    name: str = 'method',
    validated: Mapping[str, float] | None = None,
    tested: Mapping[str, Mapping[str, float]] | None = None,
    reached: int = 6,
    evaluated_at: int = 6,
) -> Path:
    """A run of six iterations, logged up to ``reached``.

    Args:
        folder: its work folder.
        seed: of the run.
        name: of its setting.
        validated: IoU in percent by class of an evaluation at ``evaluated_at``.
        tested: IoU in percent by class, by network.
    """
    folder.mkdir(parents=True)
    config = {'name': f'{name}_s{seed}', 'seed': seed, 'runner': {'type': 'IterBasedRunner', 'max_iters': 6}}
    (folder / f'{name}.json').write_text(json.dumps(config))
    lines = [
        {'seed': seed, 'exp_name': name},
        *({'mode': 'train', 'iter': step, 'loss': 1.0} for step in range(2, reached + 1, 2)),
    ]
    if validated:
        scores = {f'IoU.{name}': value / 100 for name, value in validated.items()}
        lines.append({'mode': 'val', 'iter': evaluated_at, 'mIoU': 0.5, **scores})
    (folder / '20260101_000000.log.json').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    for network, iou in (tested or {}).items():
        save_result(folder / f'result_{network}.json', RunResult(name, iou, network=network))
    return folder
