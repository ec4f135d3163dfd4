"""The kinds of input: files to damage, how, and what reads them."""

import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import safetensors.torch
import torch
from PIL import Image

from mmseg.config import load_config, require_sections
from mmseg.config.translate import train_settings
from mmseg.datasets import build_dataset
from mmseg.datasets.files import walk_files
from mmseg.datasets.rare_classes import candidates, read_samples, read_stats, sampling_probabilities
from mmseg.engine.build import build_trainable
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.optimizer import build_optimizer
from mmseg.fileio import file_state, read_bytes, read_image, read_label
from mmseg.models.weights import load_weights
from mmseg.toolbox.preparation.label_formats import (
    read_palette_label,
    read_synthia_label,
    render_cityscapes_label,
)
from mmseg.uda.instance_bank.files import FEATURES, LABELS, read_bank, write_bank
from tests.fuzz.mutate import damaged_bytes, damaged_json, damaged_png, damaged_python, damaged_zip
from tests.integration.tiny import dacs, model, train_steps

Damage = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        files: name and content of the files to damage, sound as they are.
        damages: ways to damage them; one is drawn.
        use: what reads the file that was written.
    """

    files: Callable[[], dict[str, bytes]]
    damages: tuple[Damage, ...]
    use: Callable[[Path], Any]


def _encoded(suffix: str, array: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format=suffix, **options)
    return stream.getvalue()


def _pixels(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 19, shape).astype(dtype)


def _png_pictures() -> dict[str, bytes]:
    deep = cv2.imencode('.png', _pixels(9, 7, 3, dtype=np.uint16))[1].tobytes()
    colours = _encoded('PNG', _pixels(24, 40, 3))
    return {'rgb.png': colours, 'rgba.png': _encoded('PNG', _pixels(9, 7, 4)), 'deep.png': deep}


def _other_pictures() -> dict[str, bytes]:
    image = _pixels(24, 40, 3)
    return {
        'a.jpg': _encoded('JPEG', image),
        'progressive.jpg': _encoded('JPEG', image, progressive=True),
        'a.tif': _encoded('TIFF', image),
        'refused-float.tif': _encoded('TIFF', _pixels(9, 7).astype(np.float32)),
        'a.bmp': _encoded('BMP', image),
        'a.webp': _encoded('WEBP', image),
    }


def _labels() -> dict[str, bytes]:
    palette = Image.fromarray(_pixels(24, 40))
    palette.putpalette(bytes(range(256)) * 3)
    stream = io.BytesIO()
    palette.save(stream, format='PNG')
    deep = cv2.imencode('.png', _pixels(9, 7, 3, dtype=np.uint16))[1].tobytes()
    return {
        'grey.png': _encoded('PNG', _pixels(24, 40)),
        'palette.png': stream.getvalue(),
        'refused-deep.png': deep,
    }


def _use_label(path: Path) -> None:
    errors = []
    for read in (read_label, read_palette_label, read_synthia_label):
        try:
            read(str(path))
        except Exception as error:
            errors.append(error)
    for error in errors:
        raise error


def _polygons() -> dict[str, bytes]:
    square = [[1, 1], [30, 1], [30, 20], [1, 20]]
    objects = [{'label': name, 'polygon': square} for name in ('road', 'car', 'cargroup', 'person')]
    objects.append({'label': 'sky', 'polygon': square, 'deleted': 0, 'date': '01-Jan-2020', 'draw': True})
    return {
        'a_gtFine_polygons.json': json.dumps({'imgHeight': 24, 'imgWidth': 40, 'objects': objects}).encode()
    }


def _statistics() -> dict[str, bytes]:
    stats = [{'0': 480, str(n + 1): 480, 'file': f'labels/{n}.png'} for n in range(4)]
    samples = {str(n): [[f'labels/{n}.png', 480], ['labels/0.png', 12]] for n in range(5)}
    found = {'sample_class_stats.json': stats, 'samples_with_class.json': samples}
    return {name: json.dumps(content).encode() for name, content in found.items()}


def _use_statistics(path: Path) -> None:
    if path.name.startswith('samples'):
        samples = read_samples(str(path.parent), 'Convert again.')
        candidates(samples, list(samples), 100)
    else:
        sampling_probabilities(read_stats(str(path.parent), 'Convert again.'), 0.01)


def _config() -> dict[str, Any]:
    """All sections; the data set lies beside the configuration (``folder`` of the child)."""
    folders = {'data_root': 'source', 'img_dir': 'images', 'ann_dir': 'labels'}
    source = {'type': 'GTADataset', **folders, 'pipeline': train_steps(0.75)}
    target = {**source, 'pipeline': {'type': 'TrainPipeline', 'img_scale': [80, 64], 'crop_size': [64, 64]}}
    train = {'type': 'UDADataset', 'source': source, 'target': target}
    warmup = {'warmup': 'linear', 'warmup_iters': 3, 'warmup_ratio': 1e-6}
    keys = {'head': {'lr_mult': 10.0}, 'norm': {'decay_mult': 0.0}}
    return {
        'model': model(),
        'uda': {**dacs(), 'instance_bank': {'bank_size': 20, 'mode': 'clean'}},
        'data': {'samples_per_gpu': 2, 'workers_per_gpu': 0, 'train': train},
        'optimizer': {'type': 'AdamW', 'lr': 6e-5, 'betas': [0.9, 0.999], 'paramwise_cfg': {'custom_keys': keys}},
        'optimizer_config': {'grad_clip': {'max_norm': 1.0}},
        'lr_config': {'policy': 'poly', **warmup, 'power': 1.0, 'min_lr': 0},
        'runner': {'type': 'IterBasedRunner', 'max_iters': 10},
        'checkpoint_config': {'interval': 5, 'max_keep_ckpts': 1},
        'evaluation': {'interval': 5, 'metric': 'mIoU'},
        'log_config': {'interval': 1, 'hooks': [{'type': 'TextLoggerHook'}]},
        'seed': 0,
    }  # fmt: skip


def _use_config(path: Path) -> None:
    cfg = load_config(path)
    settings = train_settings(cfg)
    trainable = build_trainable(settings, initialise=False)
    build_optimizer(trainable, settings.optimizer, grad_clip=settings.grad_clip)
    require_sections(cfg, ['data.train.source', 'data.train.target'])
    train = cfg.to_dict()['data']['train']
    for domain in ('source', 'target'):
        build_dataset(train[domain])


def _checkpoints() -> dict[str, bytes]:
    state = {'a.weight': torch.arange(12.0).view(3, 4), 'a.bias': torch.ones(3)}
    meta = {'iter': 3, 'CLASSES': ['a', 'b'], 'x': np.arange(3)}
    content = {'state_dict': state, 'optimizer': {'state': {}}, 'meta': meta}
    new, old = io.BytesIO(), io.BytesIO()
    torch.save(content, new)
    torch.save(content, old, _use_new_zipfile_serialization=False)
    return {'new.pth': new.getvalue(), 'old.pth': old.getvalue()}


def _damaged_checkpoint(content: bytes, rng: random.Random) -> bytes:
    zipped = content.startswith(b'PK') and rng.random() < 0.7
    return damaged_zip(content, rng) if zipped else damaged_bytes(content, rng)


def _use_checkpoint(path: Path) -> None:
    load_weights(path)
    read_checkpoint(path)


def _safetensors() -> dict[str, bytes]:
    state = {'a.weight': torch.arange(12.0).view(3, 4), 'a.bias': torch.ones(3, dtype=torch.float16)}
    return {'a.safetensors': safetensors.torch.save(state, {'format': 'pt'})}


def _damaged_safetensors(content: bytes, rng: random.Random) -> bytes:
    size = int.from_bytes(content[:8], 'little')
    header = damaged_json(content[8 : 8 + size], rng)
    return len(header).to_bytes(8, 'little') + header + content[8 + size :]


def _banks() -> dict[str, bytes]:
    folder = Path('sound')
    paths = write_bank(folder, np.arange(12, dtype=np.float32).reshape(4, 3), np.array([0, 1, 2, 0]))
    return {path.name: path.read_bytes() for path in paths}


def _use_bank(path: Path) -> None:
    both = [path if path.name == name else Path('sound') / name for name in (FEATURES, LABELS)]
    read_bank(both, num_classes=19)


def _archives() -> dict[str, bytes]:
    picture = _encoded('png', _pixels(24, 40, 3))
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, 'w') as pack, tarfile.open(fileobj=tarred, mode='w') as tar:
        for number, name in enumerate(('images/1.png', 'images/a/2.png', 'x.txt')):
            pack.writestr(name, picture, (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)[number % 2])
            info = tarfile.TarInfo(name)
            info.size = len(picture)
            tar.addfile(info, io.BytesIO(picture))
    return {'a.zip': zipped.getvalue(), 'a.tar': tarred.getvalue()}


def _damaged_archive(content: bytes, rng: random.Random) -> bytes:
    zipped = content.startswith(b'PK') and rng.random() < 0.5
    return damaged_zip(content, rng) if zipped else damaged_bytes(content, rng)


def _use_archive(path: Path) -> None:
    for file in walk_files(str(path)):
        assert len(read_bytes(file)) == file_state(file)[0]


KINDS = {
    'archives': Kind(_archives, (_damaged_archive,), _use_archive),
    'pictures-png': Kind(_png_pictures, (damaged_png, damaged_bytes), read_image),
    'pictures-other': Kind(_other_pictures, (damaged_bytes,), read_image),
    'labels': Kind(_labels, (damaged_png, damaged_bytes), _use_label),
    'polygons': Kind(_polygons, (damaged_json,), lambda path: render_cityscapes_label(str(path))),
    'statistics': Kind(_statistics, (damaged_json,), _use_statistics),
    'config-json': Kind(lambda: {'c.json': json.dumps(_config()).encode()}, (damaged_json,), _use_config),
    'config-python': Kind(
        lambda: {'c.py': ''.join(f'{k} = {v!r}\n' for k, v in _config().items()).encode()},
        (damaged_python,),
        _use_config,
    ),
    'checkpoints': Kind(_checkpoints, (_damaged_checkpoint,), _use_checkpoint),
    'safetensors': Kind(_safetensors, (_damaged_safetensors, damaged_bytes), load_weights),
    'banks': Kind(_banks, (damaged_zip, damaged_bytes), _use_bank),
}
