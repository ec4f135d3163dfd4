"""Cases ``uda/uda`` and ``uda/param_groups_*``: parts of self-training, optimiser and schedule."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmseg.config.translate import LrSchedule
from mmseg.engine.optimizer import parameter_options
from mmseg.engine.schedule import lr_at
from mmseg.models.detail_crop import draw_box
from mmseg.uda import augmentation, feature_distance, mixing
from mmseg.uda.draws import SIGMA_RANGE, Draws
from mmseg.uda.teacher import MeanTeacher, effective_alpha
from tests.parity import recipe
from tests.parity.core import Case, Check, family, stem

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])
"""Normalisation of every image of the cases (tests/parity/cases/README.md#the-recipe)."""

SAMPLING = 'sampling_with_strength_'
EMA_SENTENCE = re.compile(r'linear (\d+)->(\d+).* p becomes (.+)\*p([+-].+)')
"""Sizes of the networks whose average is taken, and how the student changes between two averages."""

Stored = dict[str, Any]
Arrays = dict[str, np.ndarray]


@family('uda/uda.json', 'uda/rcs_sample_class_stats.json')
def uda_cases(file: Path, root: Path) -> Iterable[Case]:
    """One case for each entry of the file."""
    stored = json.loads(file.read_text())
    stored['rcs_stats'] = file.parent / 'rcs_sample_class_stats.json'
    stored['salt'] = recipe.read_salt(root)
    with np.load(file.with_suffix('.npz')) as archive:
        arrays = dict(archive)
    entries: dict[str, tuple[str, Callable[[Check, Stored, Arrays], None]]] = {
        'class_masks': ('class_mask_classes', check_class_masks),
        'class_draws': ('class_draw_counts', check_class_draws),
        'one_mix': ('one_mix', check_one_mix),
        'jitter': ('color_jitter', check_jitter),
        'blur': ('gaussian_blur', check_blur),
        'downscale_label_ratio': ('downscale_label_ratio', check_downscale),
        'masked_feature_distance': ('masked_feature_distance', check_distance),
        'ema': ('ema', check_ema),
        'rcs': ('rcs', check_rcs),
        'hr_crop_draws': ('hr_crop_draws', check_crop_draws),
        'lr': ('lr', check_lr),
    }
    for name, (key, function) in entries.items():
        if key in stored:
            yield Case(f'{stem(file, root)}/{name}', lambda check, run=function: run(check, stored, arrays))


@family('uda/param_groups_*.json')
def parameter_group_cases(file: Path, root: Path) -> Iterable[Case]:
    """Learning rate and weight decay of every named parameter."""
    stored = json.loads(file.read_text())

    def run(check: Check) -> None:
        config = dict(stored['optimizer'])
        config['paramwise_cfg'] = {'custom_keys': config.pop('custom_keys', {})}
        names = [name for group in stored['groups'] for name in group['params']]
        options = parameter_options(_module_with_parameters(names), config)
        check.equal('parameters', sorted(option.name for option in options), sorted(names))
        found = {option.name: [option.lr, option.weight_decay] for option in options}
        for group in stored['groups']:
            want = [[group['lr'], group['weight_decay']]] * len(group['params'])
            check.close('lr, weight decay', [found[name] for name in group['params']], want, rtol=1e-6)

    yield Case(stem(file, root), run)


def _module_with_parameters(names: Iterable[str]) -> nn.Module:
    """A module whose parameters have the given dotted names."""
    root = nn.Module()
    for name in names:
        *path, last = name.split('.')
        module = root
        for part in path:
            if part not in dict(module.named_children()):
                module.add_module(part, nn.Module())
            module = module.get_submodule(part)
        module.register_parameter(last, nn.Parameter(torch.zeros(1)))
    return root


def check_class_masks(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Masks of given classes on image 0 of the label of ``one_mix``."""
    label = _label(stored['one_mix']['label'])[:1]
    for i, classes in enumerate(stored['class_mask_classes']):
        mask = mixing.class_mask(label, _table([classes]))
        check.equal(f'classes {classes}', mask[0].to(torch.uint8), arrays[f'class_mask_{i}'])


def check_class_draws(check: Check, stored: Stored, arrays: Arrays) -> None:
    """How many classes are drawn, and that each is drawn once from those present."""
    images = len(stored['class_draw_shapes'])
    height, width = stored['class_draw_shapes'][0][-2:]
    for entry in stored['class_draw_counts']:
        # The classes are spread over the batch, so that the pool must be that of all images together.
        count = entry['n_classes_in_batch']
        pixels = torch.arange(images * height * width)
        chosen = Draws(0, count).mix_classes(pixels.remainder(count).view(images, 1, height, width))
        check.equal(f'{count} classes', chosen.sum(dim=1), [entry['n_drawn']] * images)
        check.true(f'{count} classes', not chosen[:, count:].any(), 'a class that is not present was chosen')


def check_one_mix(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Mask, mixed image, label and weight of one pair."""
    entry = stored['one_mix']
    label = _label(entry['label'])
    images = recipe.normal(entry['img_pair']['normal_seed'], entry['img_pair']['shape'])
    _, _, height, width = images.shape
    second = _label({**entry['second_label'], 'shape': [1, height, width]})
    weight = recipe.uniform(entry['second_weight_uniform_seed'], (height, width))
    mask = mixing.class_mask(label[:1], _table([entry['classes']]))
    check.equal('mask', mask.to(torch.uint8), arrays['one_mix_mask'])
    check.equal('img', mixing.mix(mask, images[:1], images[1:]), arrays['one_mix_img'])
    check.equal('label', mixing.mix(mask, label[:1], second), arrays['one_mix_label'])
    mixed = mixing.mix(mask, torch.ones(()), weight[None, None])
    check.equal('weight', mixed, arrays['one_mix_weight'])
    unit = augmentation.denormalise(images, MEAN, STD)
    check.close('denorm', unit, arrays['denorm'], atol=1e-5)
    check.close('renorm', augmentation.normalise(unit, MEAN, STD), images, atol=1e-5)


def check_jitter(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Colour jitter with given factors and order, and the ranges factors are drawn from."""
    entry = stored['color_jitter']
    images = recipe.uniform(entry['input_uniform_seed'], entry['shape'])
    names = ('brightness', 'contrast', 'saturation', 'hue')
    for i, case in enumerate(entry['cases']):
        factors = [case[name] for name in names]
        jitter = augmentation.Jitter([factors] * len(images), [case['order']] * len(images))
        check.close(
            f'jitter {i}', augmentation.color_jitter(images, jitter), arrays[f'jitter_{i}'], atol=1e-5
        )
    for key in (key for key in entry if key.startswith(SAMPLING)):
        strength = augmentation.JitterStrength.parse(float(key.removeprefix(SAMPLING)))
        for name, values in zip(names, np.array(Draws(0).jitter(4000, strength).factors).T, strict=True):
            sampled = entry[key][f'{name}_factor']
            got = [values.min(), values.max(), values.mean()]
            check.close(f'{name} range', got, [sampled['min'], sampled['max'], sampled['mean']], atol=0.01)


def check_blur(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Gaussian blur with given sigma, and kernel sizes."""
    entry = stored['gaussian_blur']
    for i, case in enumerate(entry['cases']):
        images = recipe.normal(case['input_normal_seed'], case['shape'])
        sizes = [augmentation.blur_kernel_size(length) for length in case['shape'][2:]]
        check.equal(f'kernel {i}', sizes, case['kernel_size_yx'])
        stride = case['stored_spatial_stride']
        blurred = augmentation.gaussian_blur(images, [case['sigma']] * len(images))
        check.close(f'blur {i}', blurred[..., ::stride, ::stride], arrays[f'blur_{i}'], atol=1e-5)
    for length, size in entry['kernel_sizes'].items():
        check.equal(f'kernel of {length}', augmentation.blur_kernel_size(int(length)), size)
    check.equal('sigma range', list(SIGMA_RANGE), entry['sigma_range'])


def check_downscale(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Labels brought to a feature grid; ties go to the lower class."""
    number = 0
    for entry in stored['downscale_label_ratio']:
        if 'tie' in entry:
            cell = torch.zeros(1, 1, 8, 8, dtype=torch.int64)
            cell[..., 4:] = 255 if 'half 255' in entry['tie'] else 5
            got = feature_distance.downscale_label_ratio(cell, 8, 0.5, 19)
            check.equal(entry['tie'], got, entry['out'])
            continue
        got = feature_distance.downscale_label_ratio(
            _label(entry['label']),
            entry['scale_factor'],
            entry['min_ratio'],
            entry['n_classes'],
            entry['ignore'],
        )
        check.equal(f'{number} type', str(got.dtype), entry['out_dtype'])
        check.equal(f'{number}', got, arrays[f'downscale_{number}'])
        number += 1


def check_distance(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Feature distance with, without and with an empty mask, for which the published value is NaN and ours 0."""
    entry = stored['masked_feature_distance']
    batch, _, height, width = entry['shape']
    first = recipe.normal(entry['f1_seed'], entry['shape']).requires_grad_()
    second = recipe.normal(entry['f2_seed'], entry['shape'])
    mask = recipe.uniform(entry['mask_seed'], (batch, 1, height, width)) > 0.5
    masked = feature_distance.masked_distance(first, second, mask)
    (gradient,) = torch.autograd.grad(masked, first)
    check.close('masked', masked, entry['masked'], rtol=1e-5)
    check.close('gradient', gradient.norm(), entry['grad_norm'], rtol=1e-5)
    check.close('unmasked', feature_distance.masked_distance(first, second), entry['unmasked'], rtol=1e-5)
    empty = feature_distance.masked_distance(first, second, torch.zeros_like(mask))
    check.equal('empty', [entry['empty_mask'], str(empty.item())], ['nan', '0.0'])
    (gradient,) = torch.autograd.grad(empty, first)
    check.equal('gradient of empty', gradient, np.zeros(entry['shape']))


def check_ema(check: Check, stored: Stored, arrays: Arrays) -> None:
    """A sequence of teacher updates."""
    entry = stored['ema']
    sentence = EMA_SENTENCE.search(entry['student'])
    assert sentence is not None, f'not understood: {entry["student"]}'
    inputs, outputs = int(sentence[1]), int(sentence[2])
    factor, offset = float(sentence[3]), float(sentence[4])

    def network(prefix: str) -> nn.Module:
        module = nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs))
        return recipe.fill_module(module, stored['salt'], prefix)

    student, teacher = network('student.'), network('teacher.')
    buffers = {name: value.clone() for name, value in teacher.named_buffers()}
    mean_teacher = MeanTeacher(teacher, student, entry['alpha'])
    alphas = [effective_alpha(i, entry['alpha']) for i in entry['iters']]
    check.close('alpha', alphas, entry['effective_alpha'], rtol=1e-12)
    for step in entry['sequence']:
        mean_teacher.update(step['iter'])
        for name, value in teacher.named_parameters():
            got = value.flatten() if np.ndim(step['teacher'][name]) == 1 else value
            check.close(f'{step["iter"]} {name}', got, step['teacher'][name], rtol=1e-5)
        with torch.no_grad():
            for parameter in student.parameters():
                parameter.copy_(factor * parameter + offset)
    for name, value in teacher.named_buffers():
        check.equal(f'buffer {name}', value, buffers[name])


def check_rcs(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Probabilities of rare class sampling."""
    from mmseg.datasets.rare_classes import sampling_probabilities

    statistics = json.loads(stored['rcs_stats'].read_text())
    for entry in stored['rcs']:
        classes, probabilities = sampling_probabilities(statistics, float(entry['temperature']))
        check.equal(f'classes at {entry["temperature"]}', list(classes), entry['classes'])
        check.close(f'probabilities at {entry["temperature"]}', probabilities, entry['probs'], atol=1e-5)


class RangeRecorder:
    """A random stream that remembers what it was asked for and answers with the largest value."""

    def __init__(self) -> None:
        self.ranges: list[list[int]] = []

    def integers(self, low: int, high: int) -> int:
        """``high - 1``."""
        self.ranges.append([low, high])
        return high - 1


def check_crop_draws(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Ranges that the offset of a detail crop is drawn from."""
    for entry in stored['hr_crop_draws']:
        recorder = RangeRecorder()
        y, _, x, _ = draw_box(recorder, entry['img'], entry['crop'], entry['divisible'])
        want = entry['integer_draw_ranges_half_open']
        check.equal(f'{entry["img"]} {entry["crop"]}', recorder.ranges, want)
        check.equal(
            'offsets', [y, x], [entry['offset_multiplier'] * (high - 1) for _, high in want] or [0, 0]
        )


def check_lr(check: Check, stored: Stored, arrays: Arrays) -> None:
    """Learning rates of every stored schedule."""
    tables = {name: entry for name, entry in stored['lr'].items() if isinstance(entry, dict)}
    for name, entry in tables.items():
        iterations = entry.get('iters', stored['lr']['iters'])
        max_iters = entry.get('max_iters', stored['lr']['max_iters'])
        warmup = entry.get('warmup', 'linear' if 'warmup_iters' in entry else None)
        options = {
            key: entry[key] for key in ('power', 'min_lr', 'warmup_iters', 'warmup_ratio') if key in entry
        }
        policy = LrSchedule(policy='poly', warmup=warmup, **options)
        got = [[lr_at(policy, i, max_iters, base) for base in entry['base_lrs']] for i in iterations]
        check.close(name, got, entry['lrs'], rtol=1e-6)


def _label(entry: Stored) -> Tensor:
    batch, height, width = entry['shape']
    label = recipe.labels(
        entry['seed'], batch, height, width, entry['block'], entry['classes'], entry['ignore']
    )
    return label.unsqueeze(1)


def _table(classes: list[list[int]]) -> Tensor:
    """Bool (B, 256) with the given classes of each image."""
    table = torch.zeros(len(classes), mixing.LABEL_VALUES, dtype=torch.bool)
    for row, chosen in zip(table, classes, strict=True):
        row[chosen] = True
    return table
