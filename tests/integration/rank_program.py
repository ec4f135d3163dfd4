"""Started by torchrun from test_ranks.py: trains in every process and keeps what each one has in the end."""

import sys
from pathlib import Path

import torch

from mmseg.config import load_config
from mmseg.engine.distributed import close_distributed, init_distributed, rank
from mmseg.engine.train import train

if __name__ == '__main__':
    init_distributed('pytorch')
    run = train(load_config(sys.argv[1]), work_dir=sys.argv[2], validate=False)
    bank = {name: value for name, value in run.trainable.named_buffers() if name.startswith('instances.')}
    kept = {**dict(run.trainable.named_parameters()), **bank}
    torch.save(kept, Path(sys.argv[2]) / f'rank{rank()}.pt')
    close_distributed()
