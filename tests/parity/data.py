"""Stored cases of the data side: pipeline steps and scores (tests/parity/cases/README.md#data)."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import Pipeline, RandomFlip, Resize, Results
from mmseg.datasets.transforms.reading import start_results
from mmseg.evaluation.metrics import confusion, evaluate, scores
from mmseg.registry import TRANSFORMS
from tests.parity.core import Case, Check, family, stem
from tests.parity.replay import Replay

ONE_GREY_LEVEL = 1
NORMALISED = 1e-5
METRIC_TOLERANCE = 1e-6


@family('data/pipelines*.json')
def pipelines(file: Path, root: Path) -> Iterable[Case]:
    """One case a step."""
    content = json.loads(file.read_text())
    arrays = dict(np.load(file.with_suffix('.npz')))
    norm = next((c['options'] for c in content['cases'] if c.get('transform') == 'Normalize'), None)
    for entry in content['cases']:
        name = f'{stem(file, root)}/{entry["name"]}'
        if 'outputs' in entry:
            yield Case(name, lambda check, e=entry: check_versions(check, e, arrays, norm))
        else:
            yield Case(name, lambda check, e=entry: check_step(check, e, arrays, content['cases']))


def start(arrays: dict[str, np.ndarray]) -> Results:
    """The given picture and label map as results."""
    results = start_results({'seg_fields': []}, arrays['input_img'], 'input.png', 'input.png')
    results['gt_semantic_seg'] = arrays['input_seg']
    results['seg_fields'] = ['gt_semantic_seg']
    return results


def check_step(
    check: Check, entry: dict[str, Any], arrays: dict[str, np.ndarray], cases: list[dict[str, Any]]
) -> None:
    """Run one step and compare picture, label map and metadata."""
    results = start(arrays)
    if 'direction' in entry:
        results = Pipeline(list(flip_steps(entry, cases)))(results, rng_for(0, 0))
        picture_tolerance = ONE_GREY_LEVEL
    else:
        draws = [
            {'draw': 'integer', 'low': low, 'high': high, 'value': value}
            for low, high, value in entry.get('integer_draws_low_high_value', [])
        ]
        replay = Replay(draws)
        step = TRANSFORMS.build({'type': entry['transform'], **entry['options']})
        results = step(results, replay)
        replay.check_finished(check)
        tolerances = {'Resize': ONE_GREY_LEVEL, 'Normalize': NORMALISED}
        picture_tolerance = tolerances.get(entry['transform'], 0)
    stride = entry.get('stored_spatial_stride', 1)
    check.close('img', results['img'][::stride, ::stride], arrays[f'{entry["name"]}_img'], picture_tolerance)
    check.equal('seg', results['gt_semantic_seg'][::stride, ::stride], arrays[f'{entry["name"]}_seg'])
    check_meta(check, results, entry['meta'])


def flip_steps(entry: dict[str, Any], cases: list[dict[str, Any]]) -> Iterator[Any]:
    """Resize and certain flip of an entry whose scale stands in its sentence."""
    numbers = [int(word.strip('(),')) for word in entry['transform'].split() if word.strip('(),').isdigit()]
    yield Resize(img_scale=numbers[-2:])
    yield RandomFlip(prob=1.0, direction=entry['direction'])


def check_meta(check: Check, results: Results, meta: dict[str, Any]) -> None:
    """Compare the facts that an entry stores."""
    for key, want in meta.items():
        if key == 'scale_factor':
            check.close(key, results[key], np.asarray(want), rtol=METRIC_TOLERANCE)
        elif isinstance(want, list):
            check.equal(key, list(results[key]), want)
        else:
            check.equal(key, results[key], want)


def check_versions(
    check: Check, entry: dict[str, Any], arrays: dict[str, np.ndarray], norm: dict[str, Any] | None
) -> None:
    """Test-time augmentation: every version's shape, facts and statistics."""
    inner = [
        {'type': 'Resize', 'keep_ratio': True},
        {'type': 'RandomFlip'},
        {'type': 'Normalize', **(norm or {})},
        {'type': 'ImageToTensor', 'keys': ['img']},
        {'type': 'Collect', 'keys': ['img']},
    ]
    step = TRANSFORMS.build({'type': 'MultiScaleFlipAug', **entry['options'], 'transforms': inner})
    got = step(start(arrays), rng_for(0, 0))
    check.equal('number of versions', len(got['img']), len(entry['outputs']))
    for number, want in enumerate(entry['outputs']):
        image, meta = got['img'][number], got['img_metas'][number]
        check.equal(f'{number} shape', list(image.shape), want['shape'])
        stored = {key: value for key, value in want.items() if key not in ('shape', 'stats')}
        check_meta(check, meta, stored)
        check_stats(check, f'{number} stats', image.numpy(), want['stats'])


def check_stats(check: Check, label: str, values: np.ndarray, want: list[float]) -> None:
    """Mean, population standard deviation and largest absolute value of normalised pictures.

    A resized pixel may differ by one grey level (0.018 after normalising) between versions of OpenCV; few do,
    hence a tenth of a level on mean and deviation.
    """
    values = values.astype(np.float64)
    check.close(label, [values.mean(), values.std()], want[:2], atol=2e-3)
    check.close(f'{label} (largest)', np.abs(values).max(), want[2], atol=0.0181)


@family('data/metrics/*.json')
def metrics(file: Path, root: Path) -> Iterable[Case]:
    """One case an entry, named after its npz."""
    for entry in json.loads(file.read_text()):
        arrays = file.parent / entry['file']
        yield Case(
            stem(arrays.with_suffix(''), root), lambda check, e=entry, a=arrays: check_metrics(check, e, a)
        )


def check_metrics(check: Check, entry: dict[str, Any], arrays: Path) -> None:
    """Add up the confusion matrix of the pictures and compare all scores."""
    maps = np.load(arrays)
    matrix = sum(
        confusion(maps[f'pred{i}'], maps[f'gt{i}'], entry['num_classes'], entry['ignore_index'])
        for i in range(entry['n_images'])
    )
    for name, want in entry['results'].items():
        if name.startswith('evaluate_summary_'):
            metric = name.removeprefix('evaluate_summary_')
            classes = class_names(want)
            compare(check, name, evaluate(matrix, metric, classes).values, want)
            continue
        metric, _, replacement = name.partition('_nan_to_num_')
        got = scores(matrix, metric)
        if replacement:
            got = {key: np.nan_to_num(value, nan=float(replacement)) for key, value in got.items()}
        compare(check, name, got, want)


def class_names(summary: dict[str, Any]) -> list[str]:
    """Class names of a stored summary, in order."""
    prefix = next(key for key in summary if '.' in key).split('.')[0]
    return [key.split('.', 1)[1] for key in summary if key.startswith(f'{prefix}.')]


def compare(check: Check, name: str, got: dict[str, Any], want: dict[str, Any]) -> None:
    """Same keys in the same order; values relative 1e-6, null is not-a-number."""
    check.equal(f'{name} keys', list(got), list(want))
    for key, value in want.items():
        expected = np.array(value, dtype=np.float64)
        check.close(f'{name} {key}', got.get(key, np.inf), expected, rtol=METRIC_TOLERANCE)
