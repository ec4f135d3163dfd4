"""``python -m tests.parity.subset WHOLE [DIR]``: cut the cases of this repository out of the whole set.

Values are copied. What is left out is said by no comparison: spaces in JSON, the size of margins (asked is only whether
they are near ties). Of the largest maps every second stored row and column is kept; statistics of the whole map are.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.core import CASES
from tests.parity.train_check import NEAR_TIE

Arrays = dict[str, np.ndarray]
Content = bytes | Arrays | Any
"""Of a file: bytes, the arrays of an archive, or what a JSON file holds."""

COPIED = ('data/convert', 'experiments/resolved.json.xz')
"""Files and folders that are taken byte for byte."""

FILES = (
    'recipe', 'data/metrics/metrics', 'data/metrics/five', 'data/metrics/nineteen', 'data/metrics/perfect',
    'keys/backbone_mit_b0', 'keys/segmentor_dlv2red_r50v1c', 'keys/segmentor_dlv2red_x50-32',
    'keys/segmentor_segformer_mitb3', 'keys/segmentor_hrda1-512-0.1_dlv2red_r101v1c',
    'keys/uda_advseg_dlv2red_r101v1c',
    'uda/mic', 'uda/dida', 'uda/param_groups_dlv2red_r101v1c', 'uda/param_groups_hrda_daformer_mitb0',
    'uda/rcs_sample_class_stats',
    'train/source_only_daformer', 'train/hrda_target_only', 'train/dacs_daformer_strong',
    'train/dacs_fd_empty_mask', 'train/hrda_validmask', 'train/mic_teacher',
    'train/mic_source_only', 'train/dida_update', 'train/advseg', 'train/minent_hrda',
)  # fmt: skip
"""JSON and archives of these names are taken whole."""

NETWORKS = {
    'models/backbones': (
        'backbone_mit_b2_64x64', 'backbone_mit_b0_smallscale_64x64', 'backbone_resnest50_64x64',
    ),
    'models/segmentors': (
        'seg_daformer_sepaspp_mitb1', 'seg_segformer_mitb1', 'seg_upernet_ch256_mitb1', 'seg_danet_nodbn_r101v1c',
        'seg_deeplabv2red_r101v1c', 'seg_deeplabv3plus_nodbn_r101v1c', 'seg_isanet_nodbn_r101v1c',
    ),
    'models/inference': ('infer_aug', 'infer_slide_batched_flip_h'),
    'models/hrda': ('hrda_attout', 'hrda_dlv2red_r50', 'hrda_extract_feat_all', 'hrda_slide'),
}  # fmt: skip
"""Entries of a list, by the archive that each names."""

RUNS = {
    'hrda': ('40',), 'daformer': ('4', '7'), 'dida': ('6', '7', '8'), 'mic': ('85',),
}  # fmt: skip
"""Ids of the experiment tables."""

SLOW_LOSSES = ('danet_r50_bn', 'dlv2red_r50')
STEPS = ('resize_keep_tall_limit', 'normalize', 'crop_catmax', 'multi_scale_flip')
ITEMS = ('half', 'rcs_sync')
DRAWN = {'color_jitter': ('jitter', 2), 'gaussian_blur': ('blur', 2)}
"""Of ``uda/uda``: entries with a list of cases, their arrays, and how many are kept."""

LARGE, THINNED = 20_000, 2
"""Bytes from which on of a network's output every second row and column is kept."""


def select(whole: Path) -> Iterator[tuple[str, Content]]:
    """Every file of the cut set: its path and its content."""
    for name in COPIED:
        files = sorted((whole / name).rglob('*')) if (whole / name).is_dir() else [whole / name]
        yield from (
            (path.relative_to(whole).as_posix(), path.read_bytes()) for path in files if path.is_file()
        )
    for name in FILES:
        yield from _whole_files(whole, name)
    index = _json(whole, 'keys/index')
    yield 'keys/index.json', {key: value for key, value in index.items() if f'keys/{key}' in FILES}
    for name, files in NETWORKS.items():
        yield from _networks(whole, name, files)
    for project, ids in RUNS.items():
        table = _json(whole, f'experiments/{project}')
        yield f'experiments/{project}.json', {number: table[number] for number in ids}
    losses = _json(whole, 'losses/losses')
    yield 'losses/losses.json', [entry for entry in losses if entry.get('name') not in SLOW_LOSSES]
    yield from _named_cases(whole, 'data/pipelines', STEPS, ('input',))
    yield from _named_cases(whole, 'train/hrda_items', ITEMS, ())
    yield from _parts(whole, 'uda/uda')


def _whole_files(whole: Path, name: str) -> Iterator[tuple[str, Content]]:
    if (whole / f'{name}.json').exists():
        yield f'{name}.json', _json(whole, name)
    if (whole / f'{name}.npz').exists():
        arrays = _arrays(whole, name)
        yield f'{name}.npz', {key: _near_ties(key, values) for key, values in arrays.items()}


def _near_ties(key: str, values: np.ndarray) -> np.ndarray:
    """Margins that are no near ties become 1."""
    if not key.endswith('_pseudo_margin'):
        return values
    return np.where(values <= NEAR_TIE, values, np.ones_like(values))


def _networks(whole: Path, name: str, files: tuple[str, ...]) -> Iterator[tuple[str, Content]]:
    entries = {Path(entry['file']).stem: entry for entry in _json(whole, name)}
    folder = name.rpartition('/')[0]
    for file in files:
        arrays = {}
        for key, values in _arrays(whole, f'{folder}/{file}').items():
            thinned = _thinned(key, entries[file]) if values.nbytes > LARGE else None
            arrays[thinned or key] = values if thinned is None else values[..., ::THINNED, ::THINNED]
        yield f'{folder}/{file}.npz', arrays
    yield f'{name}.json', [entries[file] for file in files]


def _thinned(key: str, entry: dict[str, Any]) -> str | None:
    """The name of a thinned map, None for one whose stride is nowhere said; feature maps say it in their entry."""
    if level := re.fullmatch(r'out(\d)', key):
        strides = entry.setdefault('channel_and_spatial_stride', {})
        channel, space = strides.get(level[1], (1, 1))
        strides[level[1]] = [channel, space * THINNED]
        return key
    if found := re.fullmatch(r'(head_logits|.+?)(?:_stride(\d+))?', key):
        stride = int(found[2] or 1)
        return f'{found[1]}_stride{stride * THINNED}' if found[2] or found[1] == 'head_logits' else None
    return None


def _named_cases(
    whole: Path, name: str, cases: tuple[str, ...], further: tuple[str, ...]
) -> Iterator[tuple[str, Content]]:
    """Some of ``cases`` of a file, and the arrays whose names begin like them."""
    content = _json(whole, name)
    content['cases'] = [case for case in content['cases'] if case['name'] in cases]
    yield f'{name}.json', content
    wanted = re.compile(
        rf'({"|".join((*cases, *further))})_(\d+_)?(img|seg|gt|target_img|valid_pseudo_mask)(_.*)?'
    )
    yield f'{name}.npz', {key: v for key, v in _arrays(whole, name).items() if wanted.fullmatch(key)}


def _parts(whole: Path, name: str) -> Iterator[tuple[str, Content]]:
    content, arrays = _json(whole, name), _arrays(whole, name)
    for part, (prefix, kept) in DRAWN.items():
        for number in range(kept, len(content[part]['cases'])):
            del arrays[f'{prefix}_{number}']
        content[part]['cases'] = content[part]['cases'][:kept]
    yield f'{name}.json', content
    yield f'{name}.npz', arrays


def _json(whole: Path, name: str) -> Any:
    return json.loads((whole / f'{name}.json').read_text())


def _arrays(whole: Path, name: str) -> Arrays:
    with np.load(whole / f'{name}.npz') as archive:
        return dict(archive)


def encoded(content: Content) -> bytes:
    """The file's bytes."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, Mapping) and all(isinstance(value, np.ndarray) for value in content.values()):
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **content)
        return buffer.getvalue()
    return (json.dumps(content, separators=(',', ':')) + '\n').encode()


def main(arguments: list[str] | None = None) -> int:
    """Write the cut set."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.parity.subset',
        description='Cut the cases of this repository out of the whole set.',
    )
    parser.add_argument('whole', type=Path, metavar='WHOLE', help='folder of all cases')
    parser.add_argument('dir', type=Path, metavar='DIR', nargs='?', default=CASES, help=f'default {CASES}')
    options = parser.parse_args(arguments)
    if not (options.whole / 'recipe.json').is_file():
        parser.error(f'{options.whole} holds no recipe.json; expected the folder of all cases')
    size = 0
    for name, content in select(options.whole):
        path = options.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(content))
        size += path.stat().st_size
    print(f'{size} bytes below {options.dir}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
