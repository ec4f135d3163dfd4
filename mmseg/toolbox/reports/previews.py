"""The pictures that a method draws while it trains, over time: what was mixed, masked, labelled by the teacher."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.datasets.files import spread
from mmseg.toolbox.reports.embedding import photo_address

NAME = re.compile(r'(\d{6,})_0(_s)?\.png')
"""Pictures of the first image of a batch (docs/methods/self-training.md#debug-pictures)."""
MOMENTS = 8
"""Iterations that a page shows at most, from the first to the last."""
WIDTH = 1100


@dataclass(frozen=True)
class Preview:
    """One picture: what was trained on in an ``iteration``, as a data address."""

    iteration: int
    picture: str


def find_previews(folder: Path, moments: int = MOMENTS) -> dict[str, list[Preview]]:
    """Debug pictures below the folder of a run, by what they show, in order of the iterations.

    A picture that cannot be read is left out, as it may be of a run that was killed.
    """
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(folder.glob('*/*_0*.png')):
        if name := NAME.fullmatch(path.name):
            kind = 'two resolutions' if name[2] else 'training pictures'
            found.setdefault(kind, {})[int(name[1])] = path
    return {kind: _chosen(paths, moments) for kind, paths in sorted(found.items(), reverse=True)}


def _chosen(paths: dict[int, Path], moments: int) -> list[Preview]:
    iterations = sorted(paths)
    chosen = [iterations[i] for i in spread(len(iterations), moments)]
    return [Preview(iteration, picture) for iteration in chosen if (picture := _embedded(paths[iteration]))]


def _embedded(path: Path) -> str:
    """The picture as a data address, '' if it cannot be read."""
    try:
        with Image.open(path) as picture:
            return photo_address(np.asarray(picture.convert('RGB')), WIDTH)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ''
