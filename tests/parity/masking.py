"""Cases ``uda/mic``: pseudo-label weights and block masks of masked image consistency."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmseg.uda.masking import block_grid, block_mask
from mmseg.uda.pseudo_label import trusted_pseudo_label
from tests.parity import recipe
from tests.parity.core import Case, Check, family, stem

LOGITS = re.compile(r'normal recipe seed (\d+), shape (\[[\d, ]+\]), times ([\d.e+-]+)')

Stored = dict[str, Any]
Arrays = dict[str, np.ndarray]


@family('uda/mic.json')
def mic_cases(file: Path, root: Path) -> Iterable[Case]:
    """One case for each entry of the file."""
    stored = json.loads(file.read_text())
    with np.load(file.with_suffix('.npz')) as archive:
        arrays = dict(archive)
    for name, function in (('pseudo', check_pseudo), ('block_mask', check_block_mask)):
        if name in stored:
            yield Case(
                f'{stem(file, root)}/{name}',
                lambda check, run=function, entries=stored[name]: run(check, entries, arrays),
            )


def check_pseudo(check: Check, entries: list[Stored], arrays: Arrays) -> None:
    """Labels, the share of confident pixels, and weights with ignored rows or a mask."""
    for i, entry in enumerate(entries):
        found = LOGITS.fullmatch(entry['logits'])
        assert found is not None, f'unknown recipe of logits: {entry["logits"]}'
        shape = json.loads(found[2])
        logits = recipe.normal(int(found[1]), shape) * float(found[3])
        valid = None
        if entry['valid_mask_margins_top_bottom_left_right'] is not None:
            top, bottom, left, right = entry['valid_mask_margins_top_bottom_left_right']
            valid = torch.zeros(shape[0], 1, *shape[2:], dtype=torch.uint8)
            valid[:, :, top : shape[2] - bottom, left : shape[3] - right] = 1
        rows = (entry['ignore_top'], entry['ignore_bottom'])
        pseudo = trusted_pseudo_label(logits, entry['threshold'], *rows, valid=valid)
        check.equal(f'label {i}', pseudo.label, arrays[f'pseudo_label_{i}'])
        check.close(f'share {i}', pseudo.confident, entry['weight_value'], atol=1e-6)
        check.close(f'weight {i}', pseudo.weight, arrays[f'pseudo_weight_{i}'], atol=1e-6)


def check_block_mask(check: Check, entries: list[Stored], arrays: Arrays) -> None:
    """Grid of blocks, and the mask of given draws."""
    for i, entry in enumerate(entries):
        batch, _, height, width = entry['image']
        scores = recipe.uniform(entry['draw_uniform_seed'], entry['draw_shape'])
        grid = block_grid((height, width), entry['block_size'])
        check.equal(f'draws {i}', [batch, 1, *grid], entry['draw_shape'])
        mask = block_mask(scores, entry['ratio'], (height, width))
        check.equal(f'mask {i}', mask.to(torch.uint8), arrays[f'mask_{i}'])
        check.close(f'kept {i}', mask.double().mean(), entry['kept_fraction'], atol=1e-6)
