"""Cases ``losses/*``: pixel cross entropy, accuracy, and losses with gradients of whole networks."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from mmseg.models.losses import CrossEntropyLoss, accuracy, topk_accuracy
from tests.parity.core import Case, Check, family, stem
from tests.parity.hrda import FixedBoxes
from tests.parity.networks import filled
from tests.parity.recipe import labels, normal, read_salt, uniform

LOSS_RTOL = 1e-5
ACCURACY_ATOL = 0.05
NORM_RTOL = 2e-3
SMALL_NORM = 1e-4  # smaller gradient norms are rounding

Entry = dict[str, Any]


@family('losses/*.json')
def losses(file: Path, root: Path) -> Iterable[Case]:
    """One case an entry, named after it (or after its kind where it has no name)."""
    salt = read_salt(root)
    for entry in json.loads(file.read_text()):
        compare = KINDS[entry['kind']]

        def run(check: Check, entry: Entry = entry, compare: Callable[..., None] = compare) -> None:
            compare(check, entry, salt)

        yield Case(f'{stem(file, root)}/{_name(entry)}', run)


def _name(entry: Entry) -> str:
    if 'name' not in entry:
        return str(entry['kind'])
    return f'ce_{entry["name"]}' if entry['kind'] == 'cross_entropy' else str(entry['name'])


def _label(spec: Entry, batch: int, height: int, width: int) -> torch.Tensor:
    label = labels(
        spec['seed'], batch, height, width, spec['block'], spec.get('classes', 19), spec.get('ignore', 0.0)
    )
    return torch.full_like(label, 255) if spec.get('all_ignored', False) else label


def _cross_entropy(check: Check, entry: Entry, salt: str) -> None:
    logits = normal(entry['logits']['normal_seed'], entry['logits']['shape']).requires_grad_()
    batch, _, height, width = logits.shape
    seed = entry.get('pixel_weight_uniform_seed')
    weight = None if seed is None else uniform(seed, (batch, height, width))
    loss_function = CrossEntropyLoss(class_weight=entry.get('class_weight'), loss_weight=entry['loss_weight'])
    loss = loss_function(
        logits, _label(entry['label'], batch, height, width), weight=weight, **entry['options']
    )
    check.close('loss', loss, entry['loss'], rtol=LOSS_RTOL)
    (gradient,) = torch.autograd.grad(loss, logits)
    check.close('grad_norm', gradient.norm(), entry['grad_norm'], rtol=LOSS_RTOL)
    check.close('grad_abs_sum', gradient.abs().sum(), entry['grad_abs_sum'], rtol=LOSS_RTOL)


def _accuracy(check: Check, entry: Entry, salt: str) -> None:
    logits = normal(entry['logits']['normal_seed'], entry['logits']['shape'])
    label = _label(entry['label'], logits.shape[0], logits.shape[2], logits.shape[3])
    check.close('top1', accuracy(logits, label), entry['top1'], rtol=LOSS_RTOL)
    for k, got, want in zip((1, 3, 5), topk_accuracy(logits, label, (1, 3, 5)), entry['top135'], strict=True):
        check.close(f'top{k}', got, want, rtol=LOSS_RTOL)


def _segmentor(check: Check, entry: Entry, salt: str) -> None:
    network = filled(entry['model'], salt).train(entry.get('mode') == 'train()')
    image = normal(entry['img']['normal_seed'], entry['img']['shape'])
    batch, _, height, width = image.shape
    seed = entry['pixel_weight_uniform_seed']
    weight = None if seed is None else uniform(seed, (batch, height, width))
    label = _label(entry['label'], batch, height, width).unsqueeze(1)
    box = entry.get('hr_crop_box_y1y2x1x2')
    draws = None if box is None else FixedBoxes([box], network.crop_coord_divisible)
    found = network.forward_train(image, label, weight, draws=draws)
    total = sum(found.losses.values())
    total.backward()
    logged = {**found.values(), 'loss': total}
    check.equal('names', list(logged), list(entry['log_vars']))
    for name, want in entry['log_vars'].items():
        tolerance = {'atol': ACCURACY_ATOL} if 'acc' in name else {'rtol': LOSS_RTOL}
        check.close(name, logged[name], want, **tolerance)
    _compare_gradients(check, entry, dict(network.named_parameters()))


def _compare_gradients(check: Check, entry: Entry, parameters: dict[str, torch.nn.Parameter]) -> None:
    norms = {name: float(p.grad.norm()) for name, p in parameters.items() if p.grad is not None}
    check.equal('n_params_with_grad', len(norms), entry['n_params_with_grad'])
    check.equal(
        'params_without_grad',
        [name for name in parameters if name not in norms],
        entry['params_without_grad'],
    )
    total = sum(norm**2 for norm in norms.values()) ** 0.5
    check.close('total_grad_norm', total, entry['total_grad_norm'], rtol=NORM_RTOL)
    for name, want in entry['grad_norms'].items():
        if want > SMALL_NORM:
            check.close(f'gradient norm of {name}', norms[name], want, rtol=NORM_RTOL)


KINDS: dict[str, Callable[[Check, Entry, str], None]] = {
    'cross_entropy': _cross_entropy,
    'accuracy': _accuracy,
    'segmentor_forward_train': _segmentor,
}
