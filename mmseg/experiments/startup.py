"""Start-up tests without data sets and pretrained weights: drawn scenes, an eighth of all sizes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg.config import load_config, resolved
from mmseg.datasets.conversion import convert
from mmseg.datasets.label_formats import CITYSCAPES, GTA, SYNTHIA
from mmseg.datasets.scenes import write_layouts
from mmseg.errors import UsageError
from mmseg.experiments.generate import Values

FOLDER = Path('data/builtin_startup')
FORMATS = {'gta': GTA, 'synthia': SYNTHIA, 'cityscapes': CITYSCAPES}
SCENES, SCENE_SIZE = 3, (256, 128)
SHRINK = 8
SIZES = ('img_scale', 'crop_size', 'size', 'sync_crop_size', 'hr_crop_size', 'stride')
"""Keys that hold sizes in pixels, in pipelines, data sets and test_cfg."""


def prepare_scenes(folder: Path = FOLDER) -> None:
    """Draw the scenes in the layouts of all data sets and convert their labels, unless they are there."""
    if all((folder / name / 'samples_with_class.json').is_file() for name in FORMATS):
        return
    write_layouts(folder, SCENES, SCENE_SIZE)
    for name, label_format in FORMATS.items():
        convert(str(folder / name), label_format, nproc=1, progress=False)


def on_builtin_data(cfg: Values, folder: Path = FOLDER) -> Values:
    """The configuration on drawn scenes, complete (without ``_base_``).

    Raises:
        UsageError: a data set is none of those that can be drawn.
    """
    whole = resolved(load_config(cfg))
    whole['model']['pretrained'] = None
    data = whole['data']
    data['workers_per_gpu'] = 0
    for part in _dicts({'data': data, 'test_cfg': whole['model'].get('test_cfg')}):
        _shrink(part)
        if 'data_root' in part:
            part['data_root'] = str(folder / _format(part['data_root']))
    _shrink(whole['model'])
    sampling = data['train'].get('rare_class_sampling')
    if sampling:
        sampling['min_pixels'] = 0
    for key in ('pseudo_weight_ignore_top', 'pseudo_weight_ignore_bottom'):
        if whole.get('uda', {}).get(key):
            whole['uda'][key] //= SHRINK
    return whole


def _format(data_root: str) -> str:
    name = Path(data_root).name
    if name not in FORMATS:
        raise UsageError(
            f'--builtin-data: data set {data_root} cannot be drawn; scenes exist for {", ".join(FORMATS)}. '
            'Leave --builtin-data out to use the real data.'
        )
    return name


def _shrink(part: Values) -> None:
    for key in SIZES:
        if isinstance(part.get(key), list | tuple):
            part[key] = [value // SHRINK for value in part[key]]


def _dicts(value: Any) -> Iterator[Values]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dicts(item)
