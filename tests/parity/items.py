"""Stored items of the paired data set: synchronised crop, margins, rare class sampling.

Source: tests/parity/cases/README.md#training-steps.

The pictures are written as PNG files to a temporary folder, so that the very code of a training run is
checked: file lists, statistics files, decoding, pipelines, pairing. Only the draws are replayed.
"""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmseg.datasets import CLASSES, PALETTE, UDADataset
from mmseg.datasets.rare_classes import SAMPLES_FILE, STATS_FILE
from mmseg.fileio import atomic_write, write_label_png
from tests.parity import recipe
from tests.parity.core import Case, Check, family, stem
from tests.parity.replay import Replay

STRIDE = 4
NORMALISED = 1e-5
SOURCE_ENDING, LABEL_ENDING = '.png', '_labelTrainIds.png'
TARGET_ENDING = '_leftImg8bit.png'


@family('train/*items*.json')
def items(file: Path, root: Path) -> Iterable[Case]:
    """One case a configuration of the data set; each has several items."""
    content = json.loads(file.read_text())
    arrays = dict(np.load(file.with_suffix('.npz')))
    for entry in content['cases']:
        name = f'{stem(file, root)}/{entry["name"]}'
        yield Case(name, lambda check, e=entry: check_items(check, e, content, arrays))


def check_items(
    check: Check, entry: dict[str, Any], content: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    """Build the data set in a temporary folder and compare every item."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), entry, content)
        dataset = build(Path(folder), entry, content)
        for number, item in enumerate(entry['items']):
            check_item(check, dataset, item, f'{entry["name"]}_{number}', arrays)


def draw_image(seed: int, size: list[int], block: int) -> np.ndarray:
    """Blocky random picture, uint8 BGR (H, W, 3)."""
    cells = recipe.generator(seed).integers(0, 256, (-(-size[0] // block), -(-size[1] // block), 3))
    full = cells.repeat(block, axis=0).repeat(block, axis=1)
    return np.ascontiguousarray(full[: size[0], : size[1]]).astype(np.uint8)


def write_files(folder: Path, entry: dict[str, Any], content: dict[str, Any]) -> None:
    """Pictures, labels, split lists in the stored order and statistics."""
    for side in ('source', 'target'):
        given = content[side]
        for name, seed in zip(given['files'], given['image_seeds'], strict=True):
            image = draw_image(seed, given['size'], given['image_block'])
            with atomic_write(folder / side / 'images' / name) as path:
                assert cv2.imwrite(str(path), image)
        ending = SOURCE_ENDING if side == 'source' else TARGET_ENDING
        stems = [name.removesuffix(ending) for name in entry['dataset_order'][side]]
        (folder / side / 'split.txt').write_text('\n'.join(stems))
    source = content['source']
    for name, seed in zip(source['files'], source['label_seeds'], strict=True):
        label = recipe.labels(
            seed, 1, *source['size'], source['label_block'], source['label_classes'], source['label_ignore']
        )
        write_label_png(
            folder / 'source/labels' / name.replace(SOURCE_ENDING, LABEL_ENDING), label[0].numpy()
        )
    write_statistics(folder / 'source', content['source_sample_class_stats'])


def write_statistics(folder: Path, stats: list[dict[str, Any]]) -> None:
    """The two files that rare class sampling reads."""
    samples: dict[str, list[Any]] = {}
    for counts in stats:
        for class_id, count in counts.items():
            if class_id != 'file':
                samples.setdefault(class_id, []).append([counts['file'], count])
    (folder / STATS_FILE).write_text(json.dumps(stats))
    (folder / SAMPLES_FILE).write_text(json.dumps(samples))


def build(folder: Path, entry: dict[str, Any], content: dict[str, Any]) -> UDADataset:
    """The paired data set of a case."""
    source = {
        'type': 'CustomDataset',
        'img_suffix': SOURCE_ENDING,
        'seg_map_suffix': LABEL_ENDING,
        'ann_dir': 'labels',
        'classes': CLASSES,
        'palette': PALETTE,
        'pipeline': pipeline(entry, content, 'source'),
    }
    target = {
        'type': 'CityscapesDataset',
        'crop_pseudo_margins': entry['crop_pseudo_margins_top_bottom_left_right'],
        'pipeline': pipeline(entry, content, 'target'),
    }
    common = {'img_dir': 'images', 'split': 'split.txt'}
    return UDADataset(
        source={**source, **common, 'data_root': str(folder / 'source')},
        target={**target, **common, 'data_root': str(folder / 'target')},
        rare_class_sampling=entry['rare_class_sampling'],
        sync_crop_size=entry['sync_crop_size'],
    )


def pipeline(entry: dict[str, Any], content: dict[str, Any], side: str) -> list[dict[str, Any]]:
    """Resize, crop, flip, normalise, pad, bundle as the case says."""
    crop = {'type': 'RandomCrop', 'crop_size': entry['crop_size']}
    if f'{side}_cat_max_ratio' in entry:
        crop['cat_max_ratio'] = entry[f'{side}_cat_max_ratio']
    labelled = side == 'source'
    return [
        {'type': 'LoadImageFromFile'},
        *([{'type': 'LoadAnnotations'}] if labelled else []),
        {'type': 'Resize', 'img_scale': entry[f'{side}_img_scale_wh']},
        crop,
        {'type': 'RandomFlip', 'prob': entry['flip_prob']},
        {'type': 'Normalize', **content['normalize']},
        {'type': 'Pad', 'size': entry['crop_size'], 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg'] if labelled else ['img']},
    ]


def check_item(
    check: Check, dataset: UDADataset, want: dict[str, Any], name: str, arrays: dict[str, np.ndarray]
) -> None:
    """Replay the draws of one item and compare what comes out."""
    replay = Replay(want['draws_in_order'])
    check_pools(check, dataset, want['draws_in_order'])
    got = dataset.sample(want['index'], replay)
    replay.check_finished(check)
    check.equal(f'{name} keys', sorted(got), want['keys'])
    for side, key in (('source', 'img_metas'), ('target', 'target_img_metas')):
        check.equal(f'{name} {side} file', Path(got[key]['filename']).name, want[f'{side}_file'])
        check.equal(f'{name} {side} flip', got[key]['flip'], want[f'{side}_flip'])
    check.equal(f'{name} gt', got['gt_semantic_seg'].numpy(), arrays[f'{name}_gt'])
    check.equal(f'{name} gt shape', list(got['gt_semantic_seg'].shape), want['gt_shape'])
    check.equal(f'{name} img shape', list(got['img'].shape), want['img_shape'])
    norm = got['img_metas']['img_norm_cfg']
    level = 1 / np.asarray(norm['std'])[:, None, None] + NORMALISED
    for key in ('img', 'target_img'):
        values = got[key].numpy()
        stored = arrays[f'{name}_{key}_stride{STRIDE}']
        difference = np.abs(values[:, ::STRIDE, ::STRIDE] - stored) / level
        check.close(f'{name} {key} (grey levels)', difference, np.zeros_like(difference), atol=1)
        check.close(f'{name} {key} stats', *stats(values, want[f'{key}_stats']), atol=2e-3)
    if 'valid_fraction' in want:
        mask = got['valid_pseudo_mask'].numpy()
        check.equal(f'{name} mask', mask, arrays[f'{name}_valid_pseudo_mask'])
        check.close(f'{name} valid', (mask == 1).mean(), want['valid_fraction'], rtol=1e-6)


def stats(values: np.ndarray, want: list[float]) -> tuple[list[float], list[float]]:
    """Mean and population standard deviation in float64, and the stored ones.

    The third stored number, the largest value, is a single pixel and may differ by one grey level.
    """
    exact = values.astype(np.float64)
    return [float(exact.mean()), float(exact.std())], want[:2]


def check_pools(check: Check, dataset: UDADataset, draws: list[dict[str, Any]]) -> None:
    """The pools of class and file choices: same members in the same order."""
    choices = [draw for draw in draws if draw['draw'] == 'choice']
    if not choices:
        return
    sampler = dataset.rare_classes
    assert sampler is not None
    check.equal('classes', sampler.classes, choices[0]['among'])
    check.equal('candidates', sampler.names[choices[0]['value']], choices[1]['among'])
