"""Pictures with layers over them, as a page shows them: predictions, truth, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mmseg.toolbox.reports.embedding import label_address, photo_address, shade_address
from mmseg.toolbox.reports.grid import PictureRow
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.scales import ScalePanel
from mmseg.visualization.palette import Palette


@dataclass(frozen=True)
class Layer:
    """One thing that can be seen over a picture.

    Attributes:
        name: what it is.
        address: data address of the picture that lies over the photo; '' shows the photo.
        kind: 'labels': the photo shines through; 'shade': it does not.
    """

    name: str
    address: str = ''
    kind: Literal['labels', 'shade'] = 'labels'


@dataclass(frozen=True)
class Example:
    """A photo and its layers.

    Attributes:
        title: above it.
        photo: data address.
        ratio: width / height as CSS has it.
        layers: the photo itself first; the last two are shown first.
    """

    title: str
    photo: str
    ratio: str
    layers: list[Layer]


def picture_example(row: PictureRow, palette: Palette) -> Example:
    """Image, what each run predicts, truth."""
    layers = [Layer(name, label_address(label, palette)) for name, label in row.predictions.items()]
    if row.truth is not None:
        layers.append(Layer('truth', label_address(row.truth, palette)))
    return _example(row.title, row, layers)


def scale_example(panel: ScalePanel, palette: Palette) -> Example:
    """Image, truth, attention, what both scales predict, and the fusion of them."""
    maps = {'truth': panel.truth, 'LR': panel.context, 'HR': panel.detail, 'fused': panel.fused}
    layers = [Layer(name, label_address(label, palette)) for name, label in maps.items() if label is not None]
    layers.insert(-1, Layer('attention', shade_address(panel.attention), 'shade'))
    return _example(panel.title, panel, layers)


def worst_choice(result: RunResult) -> dict[int, str]:
    """Number in the data set -> heading, of the worst picture of each class; one that is it for several comes once."""
    chosen: dict[int, list[str]] = {}
    for name, pictures in result.worst.items():
        if pictures:
            chosen.setdefault(pictures[0].number, []).append(f'{name} {pictures[0].iou:.1f}')
    return {index: ', '.join(classes) for index, classes in chosen.items()}


def legend(palette: Palette, class_names: Sequence[str]) -> list[tuple[str, str]]:
    """Names and CSS colours of the classes that have a name."""
    colours = [css_colour(colour) for colour in palette]
    return [(name, colour) for name, colour in zip(class_names, colours, strict=False) if name]


def css_colour(rgb: Sequence[int]) -> str:
    """(255, 0, 0) -> 'rgb(255,0,0)'."""
    return f'rgb({",".join(str(int(value)) for value in rgb)})'


def scale_examples(
    scales: Mapping[str, Sequence[ScalePanel]], palette: Palette
) -> list[tuple[str, list[Example]]]:
    """The examples of each run of two resolutions, by its title."""
    return [(name, [scale_example(panel, palette) for panel in panels]) for name, panels in scales.items()]


def _example(title: str, shown: PictureRow | ScalePanel, layers: list[Layer]) -> Example:
    height, width = shown.image.shape[:2]
    return Example(title, photo_address(shown.image), f'{width} / {height}', [Layer('image'), *layers])
