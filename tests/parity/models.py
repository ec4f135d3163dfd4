"""Cases ``models/*``: feature maps, logits and inference of networks in eval mode."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.parity.core import Case, Check, family, stem
from tests.parity.networks import RTOL, STD_TOLERANCE, filled
from tests.parity.recipe import normal, read_salt

HALF = 5e-4  # arrays stored as float16
NEAR_TIE = 1e-3
ATTENTION_TOLERANCE = 3e-4
"""tests/parity/cases/README.md#tolerances: of the two attention heads on ResNet-101."""
ATTENTION_HEADS = ('DAHead', 'ISAHead')

Entry = dict[str, Any]
Arrays = Mapping[str, np.ndarray]
Compare = Callable[[Check, Entry, Arrays, str], None]


def entry_cases(file: Path, root: Path, compare: Compare) -> Iterable[Case]:
    """One case an entry, named after the npz file that the entry names."""
    salt = read_salt(root)
    for entry in json.loads(file.read_text()):
        path = file.parent / entry['file']

        def run(check: Check, entry: Entry = entry, path: Path = path) -> None:
            with np.load(path) as stored, torch.no_grad():
                compare(check, entry, dict(stored), salt)

        yield Case(stem(file.parent / Path(entry['file']).with_suffix(''), root), run)


def close_output(
    check: Check, label: str, got: Tensor, want: np.ndarray, std: float, tolerance: float = STD_TOLERANCE
) -> None:
    """Compare a network's output with the tolerance of model outputs."""
    check.close(label, got, want, atol=tolerance * std, rtol=max(RTOL, tolerance))


def close_stats(check: Check, label: str, got: Tensor, want: np.ndarray) -> None:
    """Compare mean, population standard deviation and largest absolute value of a whole tensor."""
    whole = got.detach().double()
    atol = STD_TOLERANCE * float(want[1])
    check.close(f'{label} mean', whole.mean(), want[0], atol=atol)
    check.close(f'{label} std', whole.std(correction=0), want[1], atol=atol)
    check.close(f'{label} max', whole.abs().max(), want[2], atol=atol, rtol=RTOL)


def strided(name: str) -> int:
    """N of an array name that ends in ``strideN``."""
    return int(name.rpartition('stride')[2])


@family('models/backbones.json')
def backbones(file: Path, root: Path) -> Iterable[Case]:
    """Feature maps of encoders."""
    return entry_cases(file, root, _compare_backbone)


def _compare_backbone(check: Check, entry: Entry, stored: Arrays, salt: str) -> None:
    network = filled(entry['cfg'], salt)
    image = normal(entry['input_seed'], entry['input_shape'])
    if 'input_factor' in entry:
        image = image * torch.tensor(entry['input_factor'], dtype=torch.float32)
    if 'one_axis_factor' in entry:
        _scale_one_axis(network, entry['one_axis_factor'])
    outputs = network(image)
    check.equal('number of levels', len(outputs), len(entry['shapes']))
    strides = entry.get('channel_and_spatial_stride', {})
    for level, output in enumerate(outputs):
        check.equal(f'shape {level}', list(output.shape), entry['shapes'][level])
        stats = stored[f'stats{level}']
        channel, space = strides.get(str(level), (1, 1))
        close_output(
            check, f'out{level}', output[:, ::channel, ::space, ::space], stored[f'out{level}'], stats[1]
        )
        close_stats(check, f'stats{level}', output, stats)


def _scale_one_axis(network: nn.Module, factor: float) -> None:
    for parameter in network.parameters():
        if parameter.ndim == 1:
            parameter.mul_(torch.tensor(factor, dtype=torch.float32))


@family('models/segmentors.json')
def segmentors(file: Path, root: Path) -> Iterable[Case]:
    """Logits of whole networks, at the head's resolution and at the input's."""
    return entry_cases(file, root, _compare_segmentor)


def _compare_segmentor(check: Check, entry: Entry, stored: Arrays, salt: str) -> None:
    network = filled(entry['model'], salt)
    image = normal(entry['input_seed'], entry['input_shape'])
    head = network.decode_head(network.extract_feat(image))
    full = network.encode_decode(image)
    attention = entry['model']['decode_head']['type'] in ATTENTION_HEADS
    tolerance = ATTENTION_TOLERANCE if attention else STD_TOLERANCE
    check.equal('head shape', list(head.shape), entry['head_shape'])
    check.equal('full shape', list(full.shape), entry['full_shape'])
    close_stats(check, 'head_stats', head, stored['head_stats'])
    close_stats(check, 'full_stats', full, stored['full_stats'])
    for name, want in stored.items():
        if name.startswith('head_logits'):
            step = strided(name) if 'stride' in name else 1
            close_output(check, name, head[:, :, ::step, ::step], want, stored['head_stats'][1], tolerance)
        elif name.startswith('full_stride'):
            step = strided(name)
            close_output(check, name, full[:, :, ::step, ::step], want, stored['full_stats'][1], tolerance)


@family('models/inference.json')
def inference(file: Path, root: Path) -> Iterable[Case]:
    """Whole and sliding-window inference, flips, rescaling, test-time augmentation."""
    return entry_cases(file, root, _compare_inference)


def _compare_inference(check: Check, entry: Entry, stored: Arrays, salt: str) -> None:
    network = filled(_with_test_cfg(entry), salt)
    if 'input_seeds' in entry:
        _compare_augmented(check, entry, stored, network)
        return
    image = normal(entry['input_seed'], entry['input_shape'])
    flip = entry.get('flip', False)
    meta = {
        'ori_shape': (*entry['ori_shape'], 3),
        'flip': flip,
        'flip_direction': entry.get('flip_direction', 'horizontal'),
    }
    metas = [meta] * len(image)
    # Stored logits and margins are those before the flip is undone.
    logits = network.predict_logits(image, tuple(entry['ori_shape']))
    close_stats(check, 'logits_stats', logits, stored['logits_stats'])
    prob = network.inference(image, metas, rescale=True)
    pred = np.stack(network.simple_test(image, metas, rescale=True))
    for name, want in stored.items():
        if name.startswith('logits_stride'):
            step = strided(name)
            close_output(check, name, logits[:, :, ::step, ::step], want, stored['logits_stats'][1])
        elif name.startswith('prob_stride'):
            step = strided(name)
            check.close(name, prob[:, :, ::step, ::step], want.astype(np.float32), atol=HALF, rtol=HALF)
    check.close(
        'top2_margin', _margin(logits), stored['top2_margin'].astype(np.float32), atol=HALF, rtol=HALF
    )
    _compare_classes(check, pred, stored['pred'], _undo_flip(stored['top2_margin'], meta))


def _compare_augmented(check: Check, entry: Entry, stored: Arrays, network: Any) -> None:
    images, metas = [], []
    for i, (seed, shape) in enumerate(zip(entry['input_seeds'], entry['input_shapes'], strict=True)):
        flip = i == 1  # tests/parity/cases/README.md#networks: the first image, mirrored
        image = normal(seed, shape)
        images.append(image.flip(3) if flip else image)
        meta = {'ori_shape': (*entry['ori_shape'], 3), 'flip': flip, 'flip_direction': 'horizontal'}
        metas.append([meta] * shape[0])
    mean = sum(network.inference(image, meta) for image, meta in zip(images, metas, strict=True)) / len(
        images
    )
    pred = np.stack(network.aug_test(images, metas))
    _compare_classes(check, pred, stored['pred'], stored.get('top2_margin', _margin(mean).numpy()))


def _compare_classes(check: Check, pred: np.ndarray, want: np.ndarray, margin: np.ndarray) -> None:
    clear = margin > NEAR_TIE
    check.equal('shape of pred', list(pred.shape), list(want.shape))
    check.true(
        'clear pixels', float(clear.mean()) > 0.9, f'only {clear.mean():.1%} of the pixels are no near tie'
    )
    check.equal('pred', np.where(clear, pred, 0), np.where(clear, want, 0))


def _with_test_cfg(entry: Entry) -> Entry:
    return {**entry['model'], 'test_cfg': entry.get('test_cfg', entry['model'].get('test_cfg'))}


def _margin(scores: Tensor) -> Tensor:
    """Difference of the two largest scores, (B, C, H, W) -> (B, H, W)."""
    best = scores.topk(2, dim=1).values
    return best[:, 0] - best[:, 1]


def _undo_flip(margin: np.ndarray, meta: Entry) -> np.ndarray:
    if not meta['flip']:
        return margin
    return margin[:, :, ::-1] if meta['flip_direction'] == 'horizontal' else margin[:, ::-1]
