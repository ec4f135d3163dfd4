"""Cases ``uda/dida``: similarities, calibration, instance loss and bank update.

Source: tests/parity/cases/README.md#parts-of-self-training.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.instances import collect_instances
from mmseg.uda.instance_bank.loss import Form, Target, instance_loss
from mmseg.uda.instance_bank.similarity import Similarity, class_similarity, dot
from tests.parity import recipe
from tests.parity.core import Case, Check, family, stem

CHUNK = 2**12
"""Small, so that the image falls into several pieces."""

Stored = dict[str, Any]
Arrays = dict[str, np.ndarray]
FORM = Form(Similarity('sum', 1.0, CHUNK), Similarity('sum', 1.0, CHUNK))


@family('uda/dida*.json')
def dida_cases(file: Path, root: Path) -> Iterable[Case]:
    """One case a part of the file."""
    stored = json.loads(file.read_text())
    with np.load(file.with_suffix('.npz')) as archive:
        arrays = dict(archive)
    parts: dict[str, tuple[str, Callable[[Check, Stored, Arrays], None]]] = {
        'similarities': ('values', check_similarities),
        'loss': ('values', check_loss),
        'smoothing': ('smoothing', check_smoothing),
        'bank_update': ('bank_update', check_update),
        'balance': ('balance', check_balance),
    }
    for name, (key, function) in parts.items():
        if key in stored:
            yield Case(f'{stem(file, root)}/{name}', lambda check, run=function: run(check, stored, arrays))


def drawn(text: str, shape: list[int] | None = None) -> Tensor:
    """A tensor that a sentence of the recipe describes: ``[absolute] normal, seed N[, shape [...]][, times F]``."""
    seed = re.search(r'seed (\d+)', text)
    stated = re.search(r'shape (\[[\d, ]+\])', text)
    factor = re.search(r'times ([\d.]+)', text)
    assert seed is not None, text
    values = recipe.normal(int(seed[1]), json.loads(stated[1]) if stated else shape or [])
    if 'absolute' in text:
        values = values.abs()
    return values * float(factor[1]) if factor else values


def row_labels(text: str, rows: int) -> Tensor:
    """Labels of a sentence such as ``(row index * 7) modulo 19``."""
    factor = re.search(r'index \* (\d+)', text)
    modulus = re.search(r'modulo (\d+)', text)
    assert modulus is not None, text
    return torch.arange(rows) * int(factor[1] if factor else 1) % int(modulus[1])


class Inputs:
    """Bank, embeddings and logits of the file."""

    def __init__(self, setup: Stored) -> None:
        features = drawn(setup['bank'])
        labels = row_labels(setup['bank_labels'], len(features))
        self.weak = drawn(setup['weak_embedding'])
        self.strong = drawn(setup['strong_embedding'], list(self.weak.shape))
        self.logits = drawn(setup['student_logits_on_mixed_image'])
        self.bank = InstanceBank(
            labels.tolist(), features.shape[1], self.logits.shape[1], features.numpy().copy()
        )
        size = (self.weak.shape[2], self.weak.shape[3])
        self.grid = Grid(size, size)
        self.weight = torch.ones_like(self.weak[:, :1])


def check_similarities(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Similarities of both views, and the calibrated target."""
    inputs, stride = Inputs(stored['setup']), stored['values']['stored_bank_stride']
    rows = inputs.bank.rows()
    weak, strong = dot(inputs.weak, rows.features), dot(inputs.strong, rows.features)
    fused = weak * inputs.logits.index_select(1, rows.labels)
    fused = fused / fused.sum(dim=1, keepdim=True)
    found = {
        'sim_weak': weak,
        'sim_weak_uncalibrated_normalised': weak / weak.sum(dim=1, keepdim=True),
        'sim_strong': strong / strong.sum(dim=1, keepdim=True),
    }
    for name, values in found.items():
        check.close(name, values[:, ::stride], arrays[name], rtol=1e-5)
    check.close('fused', fused[:, ::stride], arrays['fused'], rtol=1e-4)
    check.close('largest fused', fused.abs().max(), stored['values']['fused_abs_max'], rtol=1e-4)


def check_loss(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Calibrated and uncalibrated loss, and the gradient of the former."""
    inputs, factor = Inputs(stored['setup']), stored['setup']['instance_loss_weight']
    strong = inputs.strong.requires_grad_()
    for name, scores in (('loss_uncalibrated', None), ('loss_calibrated', inputs.logits)):
        target = Target(inputs.weak, scores, inputs.weight)
        loss = factor * instance_loss(strong, target, inputs.bank.rows(), inputs.grid, FORM)
        check.close(name, loss, stored['values'][name], rtol=1e-5)
    loss.backward()
    assert strong.grad is not None
    check.close('gradient', strong.grad.norm(), stored['values']['grad_norm_strong_embedding'], rtol=2e-3)


def check_smoothing(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Probabilities with the similarities scattered to classes."""
    inputs, alpha = Inputs(stored['setup']), stored['smoothing']['alpha']
    scattered = class_similarity(inputs.weak, inputs.bank.rows(), inputs.grid, FORM.weak)
    probability = inputs.logits.softmax(dim=1)
    smoothed = probability + (1 - alpha) * scattered
    check.close('smoothed', smoothed, arrays['smoothed_probs'], atol=1e-6, rtol=1e-5)


def check_update(check: Check, stored: Stored, arrays: Arrays) -> None:
    """The bank after one update, for each momentum."""
    entry = stored['bank_update']
    labels = dict(entry['labels'])
    batch, height, width = labels.pop('shape')
    label = recipe.labels(labels.pop('seed'), batch, height, width, **labels).unsqueeze(1)
    for momentum in entry['cases']:
        bank = Inputs(stored['setup']).bank
        grid = Grid((height, width), (height, width))
        found = collect_instances(drawn(entry['features']), label, bank.num_classes, grid, 'batch')
        bank.average(found, momentum, 'decay')
        check.close(
            f'momentum {momentum}', bank.features, arrays[f'bank_after_m{momentum}'], atol=1e-7, rtol=1e-5
        )


def check_balance(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Classes with fewer rows than size / classes - 1, and those without any.

    Source: docs/methods/dida.md#other-bank-routines.
    """
    size = stored['balance']['size']
    labels = row_labels(stored['balance']['labels'], size)
    moved = labels.clone()
    change = re.search(r'class (\d+) rows turned to (\d+)', stored['balance2']['change'])
    assert change is not None
    moved[labels == int(change[1])] = int(change[2])
    classes = int(labels.max()) + 1
    for name, table in (('balance', labels), ('balance2', moved)):
        counts = torch.bincount(table, minlength=classes)
        short = (counts < size / classes - 1).nonzero().flatten()
        check.equal(f'{name} short', short.tolist(), stored[name]['under_represented'])
        check.equal(f'{name} missing', (counts == 0).nonzero().flatten().tolist(), stored[name]['missing'])
