"""Several processes, started by ``torchrun``: joining them, and what they exchange around a step.

What they exchange within one: :mod:`mmseg.models.global_batch`, and gradients: :mod:`mmseg.engine.gradients`.
"""

import os
from collections.abc import Callable
from datetime import timedelta

import torch
from torch import distributed, nn

from mmseg.errors import UsageError, UserError
from mmseg.models.global_batch import total
from mmseg.ranks import is_main, world_size

PATIENCE = timedelta(hours=1)
"""How long processes wait for each other."""

_VARIABLES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


def init_distributed(launcher: str = 'none') -> None:
    """Join the process group that ``torchrun`` describes in the environment.

    Args:
        launcher: 'none' or 'pytorch'.

    Raises:
        UsageError: 'pytorch' was asked for outside ``torchrun``, or there are more processes than GPUs.
    """
    if launcher == 'none' or distributed.is_initialized():
        return
    missing = [name for name in _VARIABLES if name not in os.environ]
    if missing:
        raise UsageError(
            f'--launcher {launcher}: the environment lacks {", ".join(missing)}. Start the program with '
            '"torchrun --standalone --nproc-per-node GPUS tools/train.py CONFIG".'
        )
    from torch.distributed.rendezvous import rendezvous  # late: builds of torch without processes lack it

    if torch.cuda.is_available():
        torch.cuda.set_device(_card(int(os.environ['LOCAL_RANK'])))
    backend = 'nccl' if torch.cuda.is_available() else 'gloo'
    store, rank, size = next(rendezvous('env://', timeout=PATIENCE))
    # Restarted processes find the addresses of their dead predecessors in torchrun's store, and would wait for them.
    name = f'attempt {os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")}'
    own = distributed.PrefixStore(name, store)  # type: ignore[attr-defined]
    distributed.init_process_group(backend, store=own, rank=rank, world_size=size, timeout=PATIENCE)


def _card(local_rank: int) -> int:
    """Number of the GPU of a process."""
    cards = torch.cuda.device_count()
    if local_rank >= cards:
        raise UsageError(
            f'Process {local_rank} of this machine has no GPU: there are {cards}, and NCCL takes one process a GPU. '
            f'Start at most {cards} (--nproc-per-node), or hide the GPUs with CUDA_VISIBLE_DEVICES= to use the '
            'processor.'
        )
    return local_rank


def close_distributed() -> None:
    """Leave the process group, if there is one."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def barrier() -> None:
    """Wait for the other processes."""
    if world_size() > 1:
        distributed.barrier()


def share_initial_state(module: nn.Module) -> None:
    """Give every process the parameters and buffers of process 0, in place."""
    if world_size() == 1:
        return
    for tensor in [*module.parameters(), *module.buffers()]:
        distributed.broadcast(tensor.detach(), src=0)


def any_rank(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in some process; costs one exchange when there are several."""
    if world_size() == 1:
        return flag
    return bool(total(torch.tensor(int(flag), device=device)).item())


def in_first(task: Callable[[], None], device: torch.device) -> None:
    """Carry out a task in process 0, for which the others wait.

    Args:
        task: what to do.
        device: of this process, for the exchange.

    Raises:
        UserError: the task did so; without a text in the other processes, since the first one tells it.
    """
    failure: UserError | None = None
    if is_main():
        try:
            task()
        except UserError as error:
            failure = error
    if any_rank(failure is not None, device):
        raise failure or UserError('')
