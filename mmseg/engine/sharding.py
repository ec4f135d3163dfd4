"""Each process keeps the optimiser's state of its own share of the parameters (``optimizer_sharding``).

What shares is torch's ZeroRedundancyOptimizer (stage 1 of ZeRO, Rajbhandari et al., SC 2020, arXiv:1910.02054): each
process steps its share, then sends the new weights to the others. Checkpoints hold the state of all parameters, so a
run can go on with any number of processes.
"""

from collections.abc import Mapping
from typing import Any

import torch

from mmseg.ranks import is_main, world_size


def sharded(
    kind: type[torch.optim.Optimizer], groups: list[dict[str, Any]], **options: Any
) -> torch.optim.Optimizer:
    """An optimiser whose state is divided among the processes; a plain one if there is one process."""
    if world_size() == 1:
        return kind(groups, **options)
    from torch.distributed.optim import ZeroRedundancyOptimizer  # with its imports it takes a second

    # Fused steps need counters on the device, where a resumed optimiser of this kind does not put them.
    if 'fused' in options:
        options['fused'] = False
    return ZeroRedundancyOptimizer(groups, kind, **options)


def local_optimizer(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimiser of this process's parameters: itself, unless the state is divided."""
    share: torch.optim.Optimizer = getattr(optimizer, 'optim', optimizer)
    return share


def is_sharded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether each process has a share of the state."""
    return local_optimizer(optimizer) is not optimizer


def gathered(optimizer: Any) -> Mapping[int, Any]:
    """State by number of the parameter in the order of groups; all processes must ask, the first one gets it."""
    optimizer.consolidate_state_dict(to=0)
    state: Mapping[int, Any] = optimizer.state_dict()['state'] if is_main() else {}
    return state
