"""Started by torchrun from test_ranks.py: trains in every process and keeps what each one has in the end.

Further arguments are iterations (from 1) in which the pictures of process 1 are not finite; drift:N changes a weight of
process 1 in iteration N.
"""

import sys
from pathlib import Path

import torch

from mmseg.config import load_config
from mmseg.engine import loop
from mmseg.engine.distributed import close_distributed, init_distributed
from mmseg.engine.train import train
from mmseg.ranks import rank
from mmseg.uda.self_training import DACS


def spoil(iterations: set[int]) -> None:
    """Put a value that is not a number into process 1's batches of these iterations."""
    original, seen = loop.on_device, []

    def spoilt(batch, *arguments):
        moved = original(batch, *arguments)
        seen.append(0)
        if rank() == 1 and len(seen) in iterations:
            moved['img'][0, 0, 0, 0] = torch.nan
        return moved

    loop.on_device = spoilt


def drift(iteration: int) -> None:
    """Change a bias of process 1 by itself, after the step of this iteration."""
    original = DACS.after_step

    def drifting(method, skipped=None):
        original(method, skipped)
        if rank() == 1 and method.iteration + 1 == iteration:
            next(weight for weight in method.parameters() if weight.ndim == 1).data[0] += 1

    DACS.after_step = drifting


if __name__ == '__main__':
    init_distributed('pytorch')
    spoil({int(number) for number in sys.argv[3:] if number.isdigit()})
    for argument in sys.argv[3:]:
        if argument.startswith('drift:'):
            drift(int(argument[6:]))
    run = train(load_config(sys.argv[1]), work_dir=sys.argv[2], validate=False)
    kept = {**dict(run.trainable.named_parameters()), **dict(run.trainable.named_buffers())}
    torch.save(kept, Path(sys.argv[2]) / f'rank{rank()}.pt')
    close_distributed()
