"""Samples of the published pipelines beside nothing but decoding their files, and counting predicted pictures."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks import reference
from benchmarks.settings import Settings
from benchmarks.timing import Comparison, compare, seconds
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.domains import CityscapesDataset, GTADataset
from mmseg.datasets.presets import expand_pipeline
from mmseg.datasets.uda import RareClassSampler
from mmseg.evaluation import confusion
from mmseg.processes import keep_freed_memory
from mmseg.toolbox.preparation.counting import count_folder

PICTURES = 3
GTA_SIZE, CITYSCAPES_SIZE = (1052, 1914), (1024, 2048)
TINY = 8
"""By what sides are divided for crops below 256, which only tests ask for."""


@dataclass(frozen=True)
class Throughput:
    """Medians of one pipeline.

    Attributes:
        name: pipeline, sizes.
        ours_ms, decode_ms: median processor time of a sample, and of reading and decoding its files alone.
        ratio: median over the rounds of one by the other; 1 is the floor.
        spread: smallest and largest ratio of a round.
        per_second: samples a second and core.
        plain_ms, plain_ratio: the same of straightforward steps.
    """

    name: str
    ours_ms: float
    decode_ms: float
    ratio: float
    spread: tuple[float, float]
    per_second: float
    plain_ms: float
    plain_ratio: float

    def line(self) -> str:
        """One line for a person."""
        return (
            f'{self.name}: {self.ours_ms:.1f} ms, {self.per_second:.1f} samples/s and core; decoding alone '
            f'{self.decode_ms:.1f} ms, so {self.ratio:.2f} times ({self.spread[0]:.2f} to {self.spread[1]:.2f}); '
            f'straightforward steps {self.plain_ms:.1f} ms, {self.plain_ratio:.2f} times'
        )

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def pipelines(settings: Settings) -> Iterator[Throughput]:
    """Source, target, rare classes and a source with a cache, at the scales of DAFormer and of HRDA."""
    keep_freed_memory()  # as loader processes do; decoding alone gains by it, too
    divided = TINY if settings.size < 256 else 1
    scales = {'DAFormer': ((1280, 720), (1024, 512), 512), 'HRDA': ((2560, 1440), (2048, 1024), 1024)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_pictures(root / 'source', GTA_SIZE, divided, '.png', '_labelTrainIds.png')
        draw_pictures(
            root / 'target', CITYSCAPES_SIZE, divided, '_leftImg8bit.png', '_gtFine_labelTrainIds.png'
        )
        count_folder(str(root / 'source/labels'), '_labelTrainIds.png')
        for name, (source_scale, target_scale, crop) in scales.items():
            size = crop // divided
            steps = _pipeline(source_scale, size, divided, cat_max_ratio=0.75)
            places = {'img_dir': 'images', 'ann_dir': 'labels', 'data_root': str(root / 'source')}
            source = GTADataset(steps, **places)
            cached = GTADataset(steps, **places, cache_dir=str(root / 'cache'))
            target = CityscapesDataset(
                _pipeline(target_scale, size, divided, labels=False), 'images', data_root=str(root / 'target')
            )
            sampler = RareClassSampler(source, min_pixels=10, class_temp=0.01, min_crop_ratio=0.5)
            yield _measured(f'{name}, source', source, source.sample, settings)
            yield _measured(f'{name}, rare classes', source, lambda _, rng: sampler.sample(rng), settings)  # noqa: B023  # measured at once
            yield _measured(f'{name}, target', target, target.sample, settings)
            yield _measured(f'{name}, source kept decoded', cached, cached.sample, settings)


def _pipeline(scale: tuple[int, int], crop: int, divided: int, **more: Any) -> list[dict[str, Any]]:
    scale = (scale[0] // divided, scale[1] // divided)
    return expand_pipeline({'type': 'TrainPipeline', 'img_scale': scale, 'crop_size': (crop, crop), **more})


def draw_pictures(folder: Path, size: tuple[int, int], divided: int, pictures: str, labels: str) -> None:
    """PNG pictures that compress like photographs, and label maps with regions of all 19 classes."""
    rng = np.random.default_rng(0)
    height, width = size[0] // divided, size[1] // divided
    for name in ('images', 'labels'):
        (folder / name).mkdir(parents=True)
    for number in range(PICTURES):
        noise = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        image = np.clip(smooth + rng.integers(-3, 4, smooth.shape), 0, 255).astype(np.uint8)
        side = max(40 // divided, 1)
        label = rng.integers(0, 19, (height // side + 1, width // side + 1), dtype=np.uint8)
        cv2.imwrite(str(folder / f'images/{number:05d}{pictures}'), image)
        cv2.imwrite(
            str(folder / f'labels/{number:05d}{labels}'),
            label.repeat(side, 0).repeat(side, 1)[:height, :width],
        )


def _measured(
    name: str, dataset: CustomDataset, sample: Callable[[int, Any], Any], settings: Settings
) -> Throughput:
    """Time samples, decoding and straightforward steps of the same pictures in turns."""
    steps = {step['type']: step for step in dataset.steps}
    files = [_files_of(dataset, number) for number in range(len(dataset))]

    def ours() -> None:
        rng = np.random.default_rng(1)
        for number in range(PICTURES):
            sample(number, rng)

    def decode() -> None:
        for paths in files:
            for path in paths:
                cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)

    def plain() -> None:
        rng = np.random.default_rng(1)
        for paths in files:
            reference.sample(paths, steps, rng)

    functions = (ours, decode, plain)
    cpu = torch.device('cpu')
    for function in functions:
        function()
    times = [[seconds(function, cpu) / PICTURES for function in functions] for _ in range(settings.rounds)]
    ratios = [ours_s / decode_s for ours_s, decode_s, _ in times]
    ours_s, decode_s, plain_s = (median(column) for column in zip(*times, strict=True))
    height, width = cv2.imread(str(files[0][0])).shape[:2]
    crop = steps['RandomCrop']['crop_size']
    return Throughput(
        name=f'{name}, {width}x{height} to {"x".join(map(str, steps["Resize"]["img_scale"]))}, crop {crop[0]}',
        ours_ms=1e3 * ours_s,
        decode_ms=1e3 * decode_s,
        ratio=median(ratios),
        spread=(min(ratios), max(ratios)),
        per_second=1 / ours_s,
        plain_ms=1e3 * plain_s,
        plain_ratio=plain_s / decode_s,
    )


def _files_of(dataset: CustomDataset, number: int) -> list[str]:
    info = dataset.img_infos[number]
    picture = str(Path(dataset.img_dir, info['filename']))
    return (
        [picture]
        if dataset.ann_dir is None
        else [picture, str(Path(dataset.ann_dir, info['ann']['seg_map']))]
    )


def counting(settings: Settings) -> list[Comparison]:
    """Adding a predicted picture to the confusion matrix, against one pass over its pairs with NumPy."""
    divided = TINY if settings.size < 256 else 1
    shape = CITYSCAPES_SIZE[0] // divided, CITYSCAPES_SIZE[1] // divided
    rng = np.random.default_rng(0)
    label = rng.integers(0, 20, (shape[0] // 16, shape[1] // 16), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    label = np.where(label == 19, 255, label).astype(np.uint8)
    predicted = np.where(rng.random(label.shape) < 0.1, rng.integers(0, 19, label.shape), label % 19).astype(
        np.int64
    )
    found, expected = confusion(predicted, label, 19), reference.confusion(predicted, label, 19)
    return [
        compare(
            f'confusion matrix of a picture of {shape[1]}x{shape[0]}, 19 classes',
            lambda: confusion(predicted, label, 19),
            lambda: reference.confusion(predicted, label, 19),
            settings.rounds,
            torch.device('cpu'),
            float(np.abs(found - expected).max()),
        )
    ]
