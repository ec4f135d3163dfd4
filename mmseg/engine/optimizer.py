"""Optimiser: per-parameter options as published, few groups inside (docs/methods/optimisation.md#parameter-groups).

The published programs make one parameter group per parameter. A step over a thousand groups launches thousands
of small kernels, so here parameters with equal options share a group and are stepped together. Checkpoints keep the
published layout, so optimiser states can be exchanged.
"""

import inspect
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from mmseg.config.library_types import OPTIMIZERS
from mmseg.config.translate import LrSchedule
from mmseg.engine.gradients import GradientAverage
from mmseg.engine.parameter_options import idle_custom_keys, parameter_options
from mmseg.engine.schedule import lr_at
from mmseg.engine.sharding import gathered, is_sharded, local_optimizer, sharded
from mmseg.errors import CheckpointError, ConfigError, building
from mmseg.models.guard import StepGuard

logger = logging.getLogger(__name__)


class GuardedOptimWrapper(OptimWrapper):  # type: ignore[misc]
    """mmengine's wrapper: averages gradients over the processes, leaves out steps that the guard forbids.

    Args:
        guard: decides before each step (:meth:`mmseg.uda.trainable.Trainable.train_step` asks it to).
        average: makes means of the gradients over the processes.
        options: of mmengine's wrapper.
    """

    def __init__(self, guard: StepGuard, average: GradientAverage, **options: Any) -> None:
        super().__init__(**options)
        self.guard = guard
        self.average = average
        guard.watch(local_optimizer(self.optimizer), is_sharded(self.optimizer))

    def zero_grad(self, **kwargs: Any) -> None:
        """Begin a step."""
        self.average.begin()
        super().zero_grad(**kwargs)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Back-propagate one loss of a step."""
        self.average.next_pass()
        super().backward(loss, **kwargs)

    def clear_new_state(self, known: int) -> None:
        """Zero what the optimiser has made in a step left out (a fused SGD does not set its first momentum then).

        Args:
            known: number of parameters that had a state before.
        """
        for state in list(self.optimizer.state.values())[known:]:
            for value in filter(torch.is_tensor, state.values()):
                value.masked_fill_(self.guard.skipped, 0)

    def step(self, **kwargs: Any) -> None:
        """Average, then step (arguments: those of the wrapped optimiser's step).

        A fused optimiser asks the device whether to step; for the others the host has to, once a step.
        """
        self.average.finish()
        skipped, known = self.guard.skipped, len(self.optimizer.state)
        if skipped is not None and getattr(self.optimizer, '_step_supports_amp_scaling', False):
            self.optimizer.found_inf = skipped.float()
            super().step(**kwargs)
            del self.optimizer.found_inf
            self.clear_new_state(known)
        elif not skipped:
            super().step(**kwargs)


class ScaledOptimWrapper(GuardedOptimWrapper):
    """The same with loss scaling, for float16.

    Args:
        guard, average: see :class:`GuardedOptimWrapper`.
        scaler: scales losses, leaves out steps whose gradients overflow.
        options: of mmengine's wrapper.
    """

    def __init__(
        self, guard: StepGuard, average: GradientAverage, scaler: GradScaler, **options: Any
    ) -> None:
        super().__init__(guard, average, **options)
        self.loss_scaler = scaler

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Back-propagate the scaled loss."""
        self.average.next_pass()
        self.loss_scaler.scale(loss).backward(**kwargs)

    def step(self, **kwargs: Any) -> None:
        """Average, unscale whether or not there is a step (other optimisers may use the gradients), then step."""
        self.average.finish()
        skipped, known = self.guard.skipped, len(self.optimizer.state)
        if skipped is not None:  # the scaler decides by the gradients alone
            weights = (weight for group in self.optimizer.param_groups for weight in group['params'])
            gradient = next(weight.grad for weight in weights if weight.grad is not None)
            gradient.mul_(torch.where(skipped, torch.nan, 1.0))
        self.loss_scaler.unscale_(self.optimizer)
        if self.clip_grad_kwargs:
            self._clip_grad()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()
        if skipped is not None:
            self.clear_new_state(known)


def build_optimizer(
    module: nn.Module,
    optimizer_cfg: Mapping[str, Any],
    precision: str = 'fp32',
    grad_clip: Mapping[str, Any] | None = None,
    nan_policy: str = 'stop',
    sharding: bool = False,
) -> GuardedOptimWrapper:
    """Optimiser over all parameters of a module, wrapped for :meth:`Trainable.train_step`.

    Args:
        module: the training object on its final device.
        optimizer_cfg: published ``optimizer``; ``type`` is a class of ``torch.optim``.
        precision: 'fp16' adds loss scaling (needs a GPU).
        grad_clip: ``max_norm`` and ``norm_type``; None = no clipping, as published.
        sharding: divide the optimiser's state among the processes.
        nan_policy: 'stop': after a step that is not finite there are no others; 'skip': each is judged for itself.

    Returns:
        Wrapper whose groups carry ``names`` and ``initial_lr`` (the rate at full scale).

    Raises:
        ConfigError: unknown optimiser or option.
    """
    kind = _optimizer_class(optimizer_cfg.get('type', ''))
    handled = ('type', 'paramwise_cfg')
    arguments = {key: value for key, value in optimizer_cfg.items() if key not in handled}
    accepted = inspect.signature(kind).parameters
    unknown = sorted(set(arguments) - set(accepted))
    if unknown:
        known = ', '.join(name for name in accepted if name != 'params')
        raise ConfigError(f'Unknown option optimizer.{unknown[0]} for {kind.__name__}; it takes {known}.')
    if 'fused' in accepted:
        arguments.setdefault('fused', True)
    for key in idle_custom_keys(module, optimizer_cfg):
        logger.info(
            'Without effect here: optimizer.paramwise_cfg.custom_keys.%s (no parameter of that name)', key
        )
    with building('optimizer'):
        make = partial(sharded, kind) if sharding else kind
        optimizer = make(_merged_groups(module, optimizer_cfg), **arguments)
    clip = dict(grad_clip) if grad_clip else None
    scaled = precision == 'fp16'
    guard = StepGuard(hold=nan_policy == 'stop', scaled=scaled)
    trained = {weight for group in optimizer.param_groups for weight in group['params']}
    average = GradientAverage(weight for weight in module.parameters() if weight in trained)
    if scaled:
        scaler = GradScaler(next(module.parameters()).device.type)
        return ScaledOptimWrapper(guard, average, scaler, optimizer=optimizer, clip_grad=clip)
    return GuardedOptimWrapper(guard, average, optimizer=optimizer, clip_grad=clip)


def _optimizer_class(name: object) -> type[torch.optim.Optimizer]:
    kind = OPTIMIZERS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ConfigError(
            f'optimizer.type is {name!r}; expected a class of torch.optim, e.g. "AdamW" or "SGD".'
        )
    return kind


def _merged_groups(module: nn.Module, optimizer_cfg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Groups of parameters with equal options, in order of first appearance."""
    parameters = dict(module.named_parameters())
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, lr, decay in parameter_options(module, optimizer_cfg):
        new = {'params': [], 'names': [], 'lr': lr, 'initial_lr': lr, 'weight_decay': decay}
        group = groups.setdefault((lr, decay), new)
        group['params'].append(parameters[name])
        group['names'].append(name)
    return list(groups.values())


def set_learning_rates(optimizer: OptimWrapper, schedule: LrSchedule, iteration: int, max_iters: int) -> None:
    """Set the rate of every group for an iteration; the base rate is the group's ``initial_lr``."""
    for group in optimizer.optimizer.param_groups:
        group['lr'] = lr_at(schedule, iteration, max_iters, group['initial_lr'])


def optimizer_state(optimizer: OptimWrapper, module: nn.Module) -> dict[str, Any]:
    """State in the published layout: one group per parameter, numbered in module order.

    Source: docs/methods/tools.md#checkpoints.

    Returns:
        ``state`` {number: tensors} of the parameters stepped so far, ``param_groups`` and, with loss scaling,
        ``loss_scaler``.
    """
    numbers = {name: number for number, (name, _) in enumerate(module.named_parameters())}
    state: dict[int, Any] = {}
    groups: dict[int, dict[str, Any]] = {}
    inner = optimizer.optimizer
    parameters = [parameter for group in inner.param_groups for parameter in group['params']]
    known = (
        gathered(inner) if is_sharded(inner) else {n: inner.state.get(p) for n, p in enumerate(parameters)}
    )
    place = 0
    for group in inner.param_groups:
        options = {key: value for key, value in group.items() if key not in ('params', 'names')}
        for name in group['names']:
            groups[numbers[name]] = {**options, 'params': [numbers[name]]}
            if known.get(place):
                state[numbers[name]] = known[place]
            place += 1
    layout: dict[str, Any] = {
        'state': dict(sorted(state.items())),
        'param_groups': [groups[number] for number in sorted(groups)],
    }
    if isinstance(optimizer, ScaledOptimWrapper):
        layout['loss_scaler'] = optimizer.loss_scaler.state_dict()
    return layout


def load_optimizer_state(
    optimizer: OptimWrapper, module: nn.Module, saved: Mapping[str, Any], path: str, keys: Iterable[str] = ()
) -> None:
    """Restore what :func:`optimizer_state` returned; rates and decays stay those of the configuration.

    Args:
        optimizer: wrapper over the parameters of ``module``.
        module: the training object.
        saved: published layout.
        path: file it came from, for messages.
        keys: of the network's state dict in that file. They tell which parameter a number means where the module has
            others in between now, or parts in another order.

    Raises:
        CheckpointError: the state belongs to a module with other parameters.
    """
    names = [name for name, _ in module.named_parameters()]
    if len(saved['param_groups']) != len(names):
        raise CheckpointError(
            f'{path}: its optimiser state describes {len(saved["param_groups"])} parameters, this training object '
            f'has {len(names)}. Resume with the configuration of the run, or start a new run from the weights '
            'with --load-from.'
        )
    known = set(names)
    numbered = [key for key in keys if key in known]
    names = numbered if len(numbered) == len(names) else names
    inner = optimizer.optimizer
    order = [name for group in inner.param_groups for name in group['names']]
    places = {name: place for place, name in enumerate(order)}
    state = {places[names[number]]: value for number, value in saved['state'].items()}
    inner.load_state_dict({'state': state, 'param_groups': _numbered_groups(inner)})
    _lay_out_like_parameters(local_optimizer(inner))
    if isinstance(optimizer, ScaledOptimWrapper) and 'loss_scaler' in saved:
        optimizer.loss_scaler.load_state_dict(saved['loss_scaler'])


def _numbered_groups(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Groups with numbers in place of parameters."""
    start, groups = 0, []
    for group in optimizer.param_groups:
        groups.append({**group, 'params': list(range(start, start + len(group['params'])))})
        start += len(group['params'])
    return groups


def _lay_out_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give moments the memory layout of their parameters: fused steps pair elements by their place in memory."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            moved = isinstance(value, Tensor) and value.shape == parameter.shape
            if moved and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
