"""The colour statistics of target pictures on source pictures: ColourTransfer.

Mean and standard deviation of the three channels in CIE Lab are carried over from a random picture of the other domain
(Reinhard et al., Color Transfer between Images, IEEE CG&A 2001; for domain adaptation: He et al., Multi-Source Domain
Adaptation with Collaborative Learning, CVPR 2021, arXiv:2103.04717). No labels are read.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.files import find_files
from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.fileio import is_folder, read_image
from mmseg.registry import TRANSFORMS

Statistics = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Mean and standard deviation of L (0..100), a and b, float32 (3,) each."""

SMALLEST_DEVIATION = 1e-3
"""A channel that varies less (a grey picture) keeps its variation: there is nothing that could be scaled."""


def lab_statistics(lab: NDArray[np.float32]) -> Statistics:
    """Of a picture in Lab, float32 (H, W, 3)."""
    pixels = lab.reshape(-1, 3)
    return pixels.mean(axis=0, dtype=np.float64).astype(np.float32), pixels.std(
        axis=0, dtype=np.float64
    ).astype(np.float32)


def to_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """BGR bytes (H, W, 3) in Lab, float32."""
    return cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2LAB)


def transfer_colours(image: NDArray[np.uint8], wanted: Statistics) -> NDArray[np.uint8]:
    """The BGR picture (H, W, 3) with the Lab statistics ``wanted``, as far as bytes can hold them."""
    lab = to_lab(image)
    mean, deviation = lab_statistics(lab)
    factor = np.where(
        deviation > SMALLEST_DEVIATION, wanted[1] / np.maximum(deviation, SMALLEST_DEVIATION), 1
    )
    moved = (lab - mean) * factor.astype(np.float32) + wanted[0]
    moved[..., 0] = moved[..., 0].clip(0, 100)
    bgr = cv2.cvtColor(moved, cv2.COLOR_LAB2BGR)
    return np.rint(bgr.clip(0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=100_000)
def file_statistics(path: str) -> Statistics:
    """Of a picture file; remembered, so that every file is decoded once a process."""
    return lab_statistics(to_lab(read_image(path)))


@TRANSFORMS.register_module()
class ColourTransfer(Transform):
    """Give a picture the Lab mean and standard deviation of a random picture of a folder.

    Put it before RandomCrop: statistics are of whole pictures on both sides.

    Args:
        img_dir: folder of pictures of the other domain, searched with its sub-folders.
        img_suffix: end of their names.
        prob: probability of the transfer, in [0, 1].

    Raises:
        ConfigError: the folder holds no such picture, or ``prob`` is out of range.
    """

    def __init__(self, img_dir: str, img_suffix: str = '.jpg', prob: float = 0.5) -> None:
        if problems := self.problems({'prob': prob}):
            raise ConfigError(f'ColourTransfer: {problems[0]}')
        names = find_files(img_dir, img_suffix) if is_folder(img_dir) else []
        if not names:
            raise ConfigError(
                f'ColourTransfer: found no picture {img_dir}/**/*{img_suffix}. Name the folder of the target '
                "pictures as img_dir and the end of their names as img_suffix (as in the target's data set)."
            )
        self.files = [os.path.join(img_dir, name) for name in names]
        self.prob = prob

    @staticmethod
    def problems(options: Mapping[str, Any]) -> list[str]:
        """What is wrong with options of the right types, without a look at the folder."""
        prob = options.get('prob', 0.5)
        return [] if 0 <= prob <= 1 else [f'prob is {prob}; expected a probability from 0 to 1.']

    @property
    def random(self) -> bool:
        """Always true."""
        return True

    def draw(self, results: Results, rng: Rng) -> int | None:
        """The number of the file whose statistics are taken, or None."""
        wanted, number = rng.random() < self.prob, int(rng.integers(0, len(self.files)))
        return number if wanted else None

    def apply(self, results: Results, drawn: Any) -> Results:
        """Transfer the colours of file ``drawn``."""
        if drawn is not None:
            results['img'] = transfer_colours(results['img'], file_statistics(self.files[drawn]))
        return results
