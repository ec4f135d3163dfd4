"""Rare class sampling: decode once and crop again, against running the whole pipeline again.

Source: docs/methods/pairs.md#rare-class-sampling.
"""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.parts import draw_gta_label
from benchmarks.settings import Settings
from benchmarks.timing import Comparison, compare
from mmseg.datasets.domains import GTADataset
from mmseg.datasets.presets import expand_pipeline
from mmseg.datasets.transforms import Results
from mmseg.datasets.uda import MAX_REDRAWS, RareClassSampler
from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import GTA

PICTURES = 4
DRAWS = 6
"""Samples per measured call."""
PIPELINE = {'type': 'TrainPipeline', 'img_scale': (1280, 720), 'crop_size': (512, 512), 'cat_max_ratio': 0.75}


def rare_classes(settings: Settings) -> list[Comparison]:
    """Draw source samples of a small GTA-like data set whose rare class fills one corner."""
    with tempfile.TemporaryDirectory() as folder:
        _draw_pictures(Path(folder))
        convert(folder, GTA, nproc=1, progress=False)
        source = GTADataset(
            pipeline=expand_pipeline(PIPELINE), img_dir='images', ann_dir='labels', data_root=folder
        )
        sampler = RareClassSampler(source, min_pixels=3000, class_temp=0.01, min_crop_ratio=2.0)

        def ours() -> list[Results]:
            rng = np.random.default_rng(1)
            return [sampler.sample(rng) for _ in range(DRAWS)]

        def plain() -> list[Results]:
            rng = np.random.default_rng(1)
            return [_sample_again(sampler, rng) for _ in range(DRAWS)]

        pairs = zip(ours(), plain(), strict=True)
        difference = max(float((one['img'] - other['img']).abs().max()) for one, other in pairs)
        name = f'rare class sampling, {DRAWS} crops of 512x512 from 1914x1052'
        return [compare(name, ours, plain, settings.rounds, torch.device('cpu'), difference)]


def _sample_again(sampler: RareClassSampler, rng: np.random.Generator) -> Results:
    """The published loop: every attempt decodes picture and label again."""
    class_id = sampler.classes[int(rng.choice(len(sampler.classes), p=sampler.probabilities))]
    files = sampler.files[class_id]
    index = files[int(rng.choice(len(files)))]
    sample = sampler.source.sample(index, rng)
    for _ in range(MAX_REDRAWS):
        if int((sample['gt_semantic_seg'] == class_id).sum()) > sampler.min_count:
            break
        sample = sampler.source.sample(index, rng)
    return sample


def _draw_pictures(folder: Path) -> None:
    """Pictures that compress like photographs; bicycles (GTA id 33) only in the lower right corner."""
    rng = np.random.default_rng(0)
    for name in ('images', 'labels'):
        (folder / name).mkdir()
    for number in range(1, PICTURES + 1):
        label_path = folder / 'labels' / f'{number:05d}.png'
        height, width = draw_gta_label(label_path, rare_corner=33)
        noise = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        grain = rng.integers(-3, 4, smooth.shape)
        image = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / 'images' / label_path.name), image)
