"""What is compared after a training step, with the tolerances of tests/parity/cases/README.md#tolerances."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.trainable import LossGroup, Trainable
from tests.parity.core import Check

EMPTY_DISTANCE = 'src.loss_imnet_feat_dist'
OWN_LOG_ENTRIES = ('mix.pseudo_weight', 'Seg. Grad.', 'Fdist Grad.')
"""Entries that are ours, or optional, and that no case stores."""

Stored = dict[str, Any]
Arrays = dict[str, np.ndarray]


NEAR_TIE = 1e-3
"""Pixels whose two largest probabilities differ by no more may get either label."""


@dataclass(frozen=True)
class Tolerances:
    """Tolerances of one step; ``pixels`` and ``labels`` are numbers of pixels."""

    loss: float
    accuracy: float
    gradient: float
    norm: float
    buffer_norm: float
    teacher: float
    pixels: float
    labels: int = 0


FIRST = Tolerances(1e-5, 0.05, 2e-3, 1e-5, 1e-5, 2e-5, 0)
SECOND = Tolerances(2e-4, 0.1, 2e-2, 1e-5, 1e-4, 5e-3, 2)
LATER = Tolerances(5e-4, 0.3, 2e-2, 1e-5, 1e-4, 5e-3, 2)


@dataclass(frozen=True)
class Step:
    """What a step of ours left behind.

    Attributes:
        number: 0 for the first stored step.
        logged: log values.
        groups: loss groups by name.
        teacher_logits: outputs of the host's teacher.
        trainable, optimizer: after the step.
    """

    number: int
    logged: dict[str, Tensor]
    groups: dict[str, LossGroup]
    teacher_logits: list[Tensor]
    trainable: Trainable
    optimizer: OptimWrapper


LARGE_STEPS = Tolerances(2e-3, 0.3, 5e-2, 5e-4, 5e-4, 1.5e-2, 4, 20)
"""From the second step on, after AdamW steps of ``LARGE_ADAMW_RATE`` or more (dacs_higher_lr).

Source: tests/parity/cases/README.md#tolerances.

AdamW's first step moves each parameter by its rate whatever the size of its gradient. Where a gradient is tiny,
rounding decides the direction; at ten times the published rate a few such entries change the next losses visibly.
"""

LARGE_ADAMW_RATE = 6e-4


OWN_TEACHER_GRADIENT, OWN_TEACHER_LABELS = 1e-2, 5
"""Where masking has a teacher of its own (tests/parity/cases/README.md#tolerances on mic_teacher)."""


def tolerances(number: int, stored: Stored) -> Tolerances:
    """Tolerances of a step by its place, and by the optimiser and the masking of the case."""
    optimizer, uda = stored['optimizer'], stored['uda'] or {}
    if number > 0 and optimizer['type'] == 'AdamW' and optimizer['lr'] >= LARGE_ADAMW_RATE:
        return LARGE_STEPS
    allowed = (FIRST, SECOND, LATER)[min(number, 2)]
    own = {uda.get('mask_alpha', 'same'), uda.get('mask_pseudo_threshold', 'same')} != {'same'}
    if not own:
        return allowed
    gradient = max(allowed.gradient, OWN_TEACHER_GRADIENT)
    return replace(allowed, gradient=gradient, labels=OWN_TEACHER_LABELS)


def check_step(check: Check, step: Step, stored: Stored, want: Stored, arrays: Arrays) -> None:
    """Compare everything that is stored about a step."""
    allowed = tolerances(step.number, stored)
    name = f'it{want["iter"]}'
    check_logs(check, step, want, allowed, name)
    check_gradients(check, step, want, allowed, name)
    check_parameters(check, step, want, allowed, name)
    check_teacher(check, step, stored, want, allowed, name)
    groups = step.groups
    if 'mixed' not in groups and 'masked' in groups:
        # Where nothing is mixed, stored numbers of the masked pass carry the name of the mixed one.
        groups = {**groups, 'mixed': groups['masked']}
    if 'bank_stats_after' in want:
        check_bank(check, step, want, arrays, allowed, name)
    unsure = check_passes(check, groups, arrays, allowed, name)
    for group, inputs in want.get('train_inputs', {}).items():
        if group not in groups:
            check.true(f'{name} {group}', False, f'no such pass; there are {", ".join(groups)}')
            continue
        check_inputs(check, groups[group].seen, inputs, allowed, unsure, f'{name} {group}')


def is_watched(key: str) -> bool:
    """Whether a log entry is one of ours about the instance bank."""
    return key.startswith('instance.') and 'loss' not in key


def check_bank(
    check: Check, step: Step, want: Stored, arrays: Arrays, allowed: Tolerances, name: str
) -> None:
    """The instance bank after the step."""
    part: Any = step.trainable.part(InstanceConsistency)
    features = part.bank.features
    size = features.std().item()
    check.close(f'{name} bank', features, arrays['bank_after'], atol=allowed.loss * size, rtol=allowed.loss)
    check.close(f'{name} bank statistics', _stats(features), want['bank_stats_after'], rtol=allowed.loss)


def check_logs(check: Check, step: Step, want: Stored, allowed: Tolerances, name: str) -> None:
    """Names in order, and values."""
    wanted = dict(want['log_vars'])
    total = wanted.pop('loss', None)
    published = [key for key in step.logged if key not in OWN_LOG_ENTRIES and not is_watched(key)]
    if not any(key.startswith('masked.') for key in wanted):  # MinEnt did not return what masking logs
        published = [key for key in published if not key.startswith('masked.')]
    check.equal(f'{name} log entries', published, list(wanted))
    for key, value in wanted.items():
        if key == EMPTY_DISTANCE and math.isnan(value) and key in step.logged:
            check_empty_distance(check, step, name)
        elif key in step.logged:
            absolute, relative = (0.0, allowed.loss) if 'loss' in key else (allowed.accuracy, 0.0)
            check.close(f'{name} {key}', step.logged[key], value, absolute, relative)
    if total is not None and not math.isnan(wanted.get(EMPTY_DISTANCE, 0.0)):
        got = sum(value.item() for key, value in step.logged.items() if 'loss' in key)
        check.close(f'{name} loss', got, total, rtol=allowed.loss)


def check_empty_distance(check: Check, step: Step, name: str) -> None:
    """Without such classes the published value is NaN, ours 0 (docs/decisions.md); neither has a gradient."""
    check.equal(f'{name} {EMPTY_DISTANCE}', step.logged[EMPTY_DISTANCE].item(), 0.0)
    mask = step.groups['source'].seen['distance_mask']
    check.true(f'{name} distance mask', not mask.any(), 'stored for an empty mask, ours is not')


def check_gradients(check: Check, step: Step, want: Stored, allowed: Tolerances, name: str) -> None:
    """Norms of gradients after all backward passes; tiny ones are decided by rounding."""
    gradients = {key: p.grad for key, p in step.trainable.stored().named_parameters() if p.grad is not None}
    check.equal(f'{name} parameters with gradient', len(gradients), want['n_params_with_grad'])
    for key, value in want['grad_norms'].items():
        if value > 1e-4 and key in gradients:
            check.close(f'{name} gradient of {key}', gradients[key].norm(), value, rtol=allowed.gradient)
        check.true(f'{name} gradient of {key}', key in gradients, 'there is none')


def check_parameters(check: Check, step: Step, want: Stored, allowed: Tolerances, name: str) -> None:
    """Norm and mean of parameters and buffers after the step."""
    state = step.trainable.stored().state_dict()
    buffers = {key for key, _ in step.trainable.stored().named_buffers()}
    for key, stats in want['params'].items():
        value = state[key].double()
        relative = allowed.buffer_norm if key in buffers else allowed.norm
        check.close(f'{name} norm of {key}', value.norm(), stats['norm'], rtol=relative)
        # A mean may nearly vanish, so it is judged by the size of the entries. It gets ten times the tolerance of
        # the norm, to which single entries that AdamW moves the other way, for a tiny gradient's sign, add less.
        size = stats['norm'] / value.numel() ** 0.5
        check.close(f'{name} mean of {key}', value.mean(), stats['mean'], atol=10 * relative * size)


def check_teacher(
    check: Check, step: Step, stored: Stored, want: Stored, allowed: Tolerances, name: str
) -> None:
    """Logits of the teacher and what was made of them."""
    if 'teacher_logits_stats' not in want:
        return
    logits = step.teacher_logits[0].float()
    probability = logits.softmax(dim=1).amax(dim=1)
    check.close(f'{name} teacher', _stats(logits), want['teacher_logits_stats'], atol=allowed.teacher)
    check.close(
        f'{name} probability', probability.double().mean(), want['pseudo_prob_mean'], atol=allowed.teacher
    )
    share = (probability >= stored['uda']['pseudo_threshold']).double().mean()
    atol = _share(allowed, probability.numel())
    check.close(f'{name} confident', share, want['pseudo_fraction_over_threshold'], atol=atol)


_NOTHING = LossGroup({}, name='')


def check_passes(
    check: Check, groups: dict[str, LossGroup], arrays: Arrays, allowed: Tolerances, name: str
) -> int:
    """Pseudo-labels and what entered the student; returns the number of pixels whose label may differ."""
    unsure = np.zeros(1, bool)
    if 'pseudo_label' in arrays and 'pseudo_label' in groups.get('mixed', _NOTHING).seen:
        unsure = arrays['pseudo_margin'] <= NEAR_TIE
        differ = (groups['mixed'].seen['pseudo_label'].numpy() != arrays['pseudo_label']) & ~unsure
        _few(check, f'{name} pseudo-label', differ, allowed.labels)
    for group in sorted({'mixed', 'masked'} & groups.keys()):
        _check_pass(check, group, groups[group].seen, arrays, allowed, unsure, name)
    return int(unsure.sum()) + allowed.labels


def _check_pass(
    check: Check, group: str, seen: Stored, arrays: Arrays, allowed: Tolerances, unsure: np.ndarray, name: str
) -> None:
    """Labels, weights and images of the pass ``group``, as far as they are stored."""
    for key, stored in arrays.items():
        kind = key.removeprefix(f'{group}_')
        if kind == 'label':
            differ = seen['label'].numpy() != stored
            if group == 'mixed' and unsure.ndim == 3:
                _few(check, f'{name} {key}', differ & ~unsure[:, None], allowed.labels)
            else:  # a masked batch may hold images of both domains, so unsure pixels are counted only
                _few(check, f'{name} {key}', differ, allowed.labels + int(unsure.sum()))
        elif kind == 'weight':
            check.close(f'{name} {key}', seen['weight'], stored, atol=_share(allowed, stored.size))
        elif kind.startswith('img_stride'):
            stride = int(kind.removeprefix('img_stride'))
            check.close(f'{name} {key}', seen['img'][..., ::stride, ::stride], stored, atol=1e-5)


def check_inputs(
    check: Check, seen: Stored, want: Stored, allowed: Tolerances, unsure: int, name: str
) -> None:
    """Statistics of what entered the student."""
    if want['img_stats'] is not None:
        check.close(f'{name} img', _stats(seen['img']), want['img_stats'], atol=1e-5)
    if want['label_hist'] is not None:
        histogram = torch.bincount(seen['label'].flatten(), minlength=256)
        got = [*histogram[: len(want['label_hist']) - 1].tolist(), int(histogram[255])]
        check.close(f'{name} label histogram', got, want['label_hist'], atol=unsure)
    if want['weight_mean'] is not None:
        weight = seen['weight'].double()
        atol = _share(allowed, weight.numel())
        check.close(f'{name} weight mean', weight.mean(), want['weight_mean'], atol=atol)
        check.close(f'{name} weights', weight.unique(), want['weight_unique'], atol=atol)


def _few(check: Check, label: str, differ: np.ndarray, allowed: int) -> None:
    count = int(differ.sum())
    check.true(label, count <= allowed, f'{count} pixels differ, {allowed} may')


def _share(allowed: Tolerances, pixels: int) -> float:
    """Tolerance of a share of pixels; stored shares are rounded to float32."""
    return max(1e-6, allowed.pixels / pixels * (1 + 1e-5))


def _stats(tensor: Tensor) -> list[float]:
    values = tensor.detach().double()
    return [values.mean().item(), values.std(correction=0).item(), values.abs().max().item()]
