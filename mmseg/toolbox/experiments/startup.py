"""Start-up tests without data sets and pretrained weights: drawn scenes, a fraction of all sizes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg.config import load_config, resolved
from mmseg.errors import UsageError
from mmseg.toolbox.experiments.generate import Values
from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import CITYSCAPES, GTA, SYNTHIA
from mmseg.toolbox.scenes import write_layouts

FOLDER = Path('data/builtin_startup')
FORMATS = {'gta': GTA, 'synthia': SYNTHIA, 'cityscapes': CITYSCAPES}
ADVERSE = {'acdc': {'train': 'train', 'val': 'val'}, 'dark_zurich': {'train': 'train/night', 'val': 'val'}}
"""Data sets that get copies of Cityscapes' scenes: split -> folder below rgb_anon and gt."""

SCENES, SCENE_SIZE = 3, (256, 128)
LARGEST_CROP, SMALLEST_CROP = 64, 32
"""Pixels that the largest and the smallest crop keep at least; encoders need about as many as the latter."""
SIZES = ('img_scale', 'crop_size', 'size', 'sync_crop_size', 'hr_crop_size', 'stride')
"""Keys that hold sizes in pixels, in pipelines, data sets and test_cfg."""

PIXELS = ('pseudo_weight_ignore_top', 'pseudo_weight_ignore_bottom', 'mask_block_size')
"""Keys that hold a number of pixels, in the method."""


def prepare_scenes(folder: Path = FOLDER) -> None:
    """Draw the scenes in the layouts of all data sets and convert their labels, unless they are there."""
    if not all((folder / name / 'samples_with_class.json').is_file() for name in FORMATS):
        write_layouts(folder, SCENES, SCENE_SIZE)
        for name, label_format in FORMATS.items():
            convert(str(folder / name), label_format, nproc=1, progress=False)
    for name, splits in ADVERSE.items():
        if not (folder / name).is_dir():
            _copy_as_adverse(folder / 'cityscapes', folder / name, splits)


def on_builtin_data(cfg: Values, folder: Path = FOLDER) -> Values:
    """The configuration on drawn scenes, complete (without ``_base_``).

    Raises:
        UsageError: a data set is none of those that can be drawn.
    """
    whole = resolved(load_config(cfg))
    whole['model']['pretrained'] = None
    uda = whole.get('uda')
    data = whole['data']
    data['workers_per_gpu'] = 0
    factor = _factor(whole)
    for part in _dicts({'data': data, 'test_cfg': whole['model'].get('test_cfg')}):
        _shrink(part, factor)
        if 'data_root' in part:
            part['data_root'] = str(folder / _format(part['data_root']))
    _shrink(whole['model'], factor)
    sampling = data['train'].get('rare_class_sampling')
    if sampling:
        sampling['min_pixels'] = 0
    for part in _dicts(uda):
        part.update({key: part[key] // factor for key in PIXELS if part.get(key)})
    for encoder in (part for part in _dicts([whole['model'], uda]) if {'pretrained', 'img_size'} & {*part}):
        encoder['pretrained'] = None
        _shrink_picture(encoder, factor)
    return whole


def _factor(whole: Values) -> int:
    """By how much all sizes shrink: to an eighth where images of 512 pixels are trained on, to a sixteenth where these
    are of 1024 (of which networks with two scales see half), less where there are small crops; a power of two, so that
    sizes stay divisible.
    """
    trained, crops = _edges(whole, ('sync_crop_size',)), _edges(whole, ('crop_size', 'hr_crop_size'))
    largest, smallest = max(trained or crops or [0]), min([*trained, *crops] or [0])
    context = int(largest * min(whole['model'].get('scales', [1])))
    factor = min(largest // LARGEST_CROP, min(smallest, context) // SMALLEST_CROP)
    return 1 << max(factor.bit_length() - 1, 0)


def _edges(whole: Values, keys: tuple[str, ...]) -> list[int]:
    """Edges in pixels of all crops of these names."""
    sizes = [part[key] for part in _dicts(whole) for key in keys if isinstance(part.get(key), list | tuple)]
    return [edge for size in sizes for edge in size]


def _copy_as_adverse(cityscapes: Path, root: Path, splits: dict[str, str]) -> None:
    """Pictures and labels of Cityscapes under the names of ACDC and Dark Zurich.

    Source: docs/methods/datasets.md#folders-and-file-names.
    """
    unfinished = root.with_name(root.name + '.part')
    shutil.rmtree(unfinished, ignore_errors=True)
    renamed = {
        'rgb_anon': ('leftImg8bit', '_leftImg8bit.png', '_rgb_anon.png'),
        'gt': ('gtFine', '_gtFine_labelTrainIds.png', '_gt_labelTrainIds.png'),
    }
    for top, (source, old, new) in renamed.items():
        for split, folder in splits.items():
            (unfinished / top / folder).mkdir(parents=True)
            for path in (cityscapes / source / split).rglob('*' + old):
                shutil.copyfile(path, unfinished / top / folder / (path.name.removesuffix(old) + new))
    unfinished.rename(root)


def _format(data_root: str) -> str:
    name, known = Path(data_root).name, (*FORMATS, *ADVERSE)
    if name not in known:
        raise UsageError(
            f'--builtin-data: data set {data_root} cannot be drawn; scenes exist for {", ".join(known)}. '
            'Leave --builtin-data out to use the real data.'
        )
    return name


def _shrink(part: Values, factor: int) -> None:
    for key in SIZES:
        if isinstance(part.get(key), list | tuple):
            part[key] = [value // factor for value in part[key]]


def _shrink_picture(encoder: Values, factor: int) -> None:
    """The size that an encoder's positions are made for, a side or (height, width)."""
    size = encoder.get('img_size')
    if size:
        encoder['img_size'] = size // factor if isinstance(size, int) else [side // factor for side in size]


def _dicts(value: Any) -> Iterator[Values]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dicts(item)
