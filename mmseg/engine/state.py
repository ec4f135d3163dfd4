"""What a checkpoint of a run holds, and putting it back."""

from time import strftime
from typing import Any

from mmseg.engine.build import check_class_names
from mmseg.engine.loop import Run
from mmseg.engine.optimizer import load_optimizer_state, optimizer_state
from mmseg.models.weights import load_into


def collect(run: Run) -> dict[str, Any]:
    """Published contents (``state_dict``, ``optimizer``, ``meta``) and ``training_state`` for an exact resume."""
    return {
        'meta': {**run.meta, 'iter': run.iteration, 'epoch': 1, 'time': strftime('%c')},
        'state_dict': run.trainable.stored().state_dict(),
        'optimizer': optimizer_state(run.optimizer, run.trainable.stored()),
        'training_state': {
            'method': run.trainable.training_state(),
            'memory': run.memory,
            'window': run.metrics.state(run.iteration),
            'seed': run.settings.seed,
        },
    }


def restore(run: Run, contents: dict[str, Any], path: str) -> None:
    """Continue from what :func:`collect` returned, or from a published checkpoint.

    A published checkpoint has no ``training_state``; the iteration is then that of its ``meta``.

    Raises:
        CheckpointError: the checkpoint belongs to another network or optimiser.
        ConfigError: its classes have another order.
    """
    check_class_names(contents['meta'].get('CLASSES'), run.meta.get('CLASSES', ()), path, refuse=True)
    load_into(run.trainable.stored(), contents['state_dict'], path)
    keys = contents['state_dict']
    load_optimizer_state(run.optimizer, run.trainable.stored(), contents['optimizer'], path, keys)
    state = contents.get('training_state')
    if state is None:
        run.trainable.iteration = int(contents['meta'].get('iter', 0))
        run.logger.warning(
            f'{path} was written by another program: its weights and optimiser state are used.'
        )
        return
    if state['seed'] != run.settings.seed:
        run.logger.warning(
            f'{path} was trained with seed {state["seed"]}; going on with seed {run.settings.seed}.'
        )
    run.trainable.load_training_state(state['method'])
    run.memory = dict(state['memory'])
    run.metrics.load_state(state.get('window', ()))
