"""Scenes in the raw file formats and folder layouts of GTA, SYNTHIA and Cityscapes.

Source: docs/methods/datasets.md#folders-and-file-names.

Files that exist are kept, so an interrupted run goes on where it stopped. A note (``scenes.json``)
beside them tells what was drawn; other scenes, another size or style start over. Functions return how many were drawn.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from tqdm import tqdm

from mmseg.errors import DataError
from mmseg.fileio import atomic_write, write_label_png
from mmseg.toolbox.preparation.label_formats import SYNTHIA_TABLE
from mmseg.toolbox.scenes.paint import draw_scene
from mmseg.toolbox.scenes.scene import Scene, make_scene

GENERATOR = 2
"""Raised whenever the same seed gives another picture."""

NOTE = 'scenes.json'
CITIES = {'train': 'neustadt', 'val': 'altdorf', 'test': 'mittelheim'}
Size = tuple[int, int]
Task = tuple[int, Path, Path]
"""Seed, picture, label."""


def write_gta(
    root: str | Path, count: int, size: Size = (256, 128), style: str = 'render', first_seed: int = 0,
    progress: bool = False,
) -> int:  # fmt: skip
    """``images/00001.png`` and palette PNGs of raw ids ``labels/00001.png``. ``size``: width, height."""
    root = Path(root)
    names = [f'{index + 1:05d}.png' for index in range(count)]
    tasks = [(first_seed + i, root / 'images' / name, root / 'labels' / name) for i, name in enumerate(names)]
    return _write(root, tasks, size, style, _write_gta_label, progress)


def write_synthia(
    root: str | Path, count: int, size: Size = (256, 128), style: str = 'render', first_seed: int = 0,
    progress: bool = False,
) -> int:  # fmt: skip
    """``RGB/0000000.png``, 16-bit ``GT/LABELS/0000000.png`` (R class, G instance)."""
    root = Path(root)
    names = [f'{index:07d}.png' for index in range(count)]
    tasks = [(first_seed + i, root / 'RGB' / name, root / 'GT/LABELS' / name) for i, name in enumerate(names)]
    return _write(root, tasks, size, style, _write_synthia_label, progress)


def write_cityscapes(
    root: str | Path, counts: Mapping[str, int], size: Size = (256, 128), style: str = 'photo',
    first_seed: int = 0, progress: bool = False,
) -> int:  # fmt: skip
    """``leftImg8bit/{split}/{city}/..._leftImg8bit.png`` and ``gtFine/.../..._gtFine_polygons.json``.

    Args:
        root: data folder.
        counts: pictures per split; all of train, val, test get folders.
        size: width, height in pixels.
        style: 'render' or 'photo'.
        first_seed: scene number of the first training picture; the others follow.
        progress: show a progress bar on stderr.
    """
    root = Path(root)
    tasks: list[Task] = []
    for split, city in CITIES.items():
        for index in range(counts.get(split, 0)):
            name = f'{split}/{city}/{city}_{index:06d}_000019_'
            picture, label = f'leftImg8bit/{name}leftImg8bit.png', f'gtFine/{name}gtFine_polygons.json'
            tasks.append((first_seed + len(tasks), root / picture, root / label))
        (root / 'gtFine' / split).mkdir(parents=True, exist_ok=True)
    return _write(root, tasks, size, style, _write_polygons, progress)


def write_layouts(root: str | Path, count: int, size: Size = (256, 128)) -> None:
    """``root``/gta, /synthia (style 'render') and /cityscapes ('photo', ``count`` pictures a split)."""
    root = Path(root)
    write_gta(root / 'gta', count, size, first_seed=0)
    write_synthia(root / 'synthia', count, size, first_seed=100_000)
    write_cityscapes(root / 'cityscapes', dict.fromkeys(CITIES, count), size, first_seed=200_000)


def _write(
    root: Path,
    tasks: list[Task],
    size: Size,
    style: str,
    write_label: Callable[[Path, Scene], None],
    progress: bool,
) -> int:
    if min(size) < 48 or max(size) < 96:
        raise DataError(f'Scenes of {size[0]}x{size[1]} pixels were asked for; the least is 96x48.')
    _start_over_if_changed(
        root, {'generator': GENERATOR, 'style': style, 'size': list(size), 'seeds': _seeds(tasks)}
    )
    missing = [task for task in tasks if not (task[1].exists() and task[2].exists())]
    for seed, picture, label in tqdm(missing, f'drawing {root.name}', unit='scene', disable=not progress):
        scene = make_scene(seed, size)
        write_label(label, scene)
        with atomic_write(picture) as temporary:
            temporary.write_bytes(cv2.imencode('.png', draw_scene(scene, style))[1].tobytes())
    return len(missing)


def _start_over_if_changed(root: Path, wanted: dict[str, object]) -> None:
    note = root / NOTE
    if note.exists() and json.loads(note.read_text(encoding='utf-8')) != wanted:
        for folder in ('images', 'labels', 'RGB', 'GT', 'leftImg8bit', 'gtFine'):
            shutil.rmtree(root / folder, ignore_errors=True)
    elif not note.exists() and any(root.rglob('*.png')):
        raise DataError(
            f'{root} holds pictures that were not drawn by this program (there is no {NOTE}). Name an empty '
            'folder, or move them away.'
        )
    with atomic_write(note) as temporary:
        temporary.write_text(json.dumps(wanted), encoding='utf-8')


def _seeds(tasks: Iterable[Task]) -> dict[str, int]:
    return {f'{picture.parent.name}/{picture.name}': seed for seed, picture, _ in tasks}


def _write_gta_label(path: Path, scene: Scene) -> None:
    palette = np.zeros((256, 3), np.uint8)
    for label in cityscapes_labels:
        if label.id >= 0:
            palette[label.id] = label.color
    write_label_png(path, scene.label_ids(), palette.tolist())


def _write_synthia_label(path: Path, scene: Scene) -> None:
    to_synthia = np.zeros(256, np.uint16)
    for raw, train in SYNTHIA_TABLE.items():
        to_synthia[train] = raw
    channels = np.zeros((*scene.part_map.shape, 3), np.uint16)
    channels[..., 1] = scene.instances()
    channels[..., 2] = to_synthia[scene.train_ids()]
    with atomic_write(path) as temporary:
        temporary.write_bytes(cv2.imencode('.png', channels)[1].tobytes())


def _write_polygons(path: Path, scene: Scene) -> None:
    objects = [{'label': part.label, 'polygon': part.polygon.tolist()} for part in scene.parts]
    document = {'imgHeight': scene.camera.height, 'imgWidth': scene.camera.width, 'objects': objects}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(document), encoding='utf-8')
