"""From a seed to a scene: which things stand where, and the label map that follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from cityscapesscripts.helpers.labels import name2label

from mmseg.toolbox.scenes import things
from mmseg.toolbox.scenes.sketch import Camera, Shape, Sketch
from mmseg.toolbox.scenes.street import Street, lay_out

LARGE: tuple[tuple[str, things.Thing], ...] = (
    ('truck', things.truck),
    ('bus', things.bus),
    ('train', things.train),
)
TWO_WHEELERS = ('bicycle', 'motorcycle')
ALWAYS = (
    'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation',
    'terrain', 'sky', 'person', 'rider', 'car',
)  # fmt: skip
MAX_ATTEMPTS = 40


@dataclass(frozen=True)
class Scene:
    """A finished scene.

    Attributes:
        camera: the camera, with the picture size.
        parts: polygons in painting order.
        part_map: int32 (H, W), index into ``parts`` of what each pixel shows.
        seed: the scene's number.
    """

    camera: Camera
    parts: tuple[Shape, ...]
    part_map: np.ndarray
    seed: int

    def label_ids(self) -> np.ndarray:
        """Cityscapes label ids, uint8 (H, W); equal to GTA's."""
        return np.array([name2label[part.label].id for part in self.parts], np.uint8)[self.part_map]

    def train_ids(self) -> np.ndarray:
        """Train ids, uint8 (H, W), 255 = ignore."""
        return np.array([name2label[part.label].trainId for part in self.parts], np.uint8)[self.part_map]

    def instances(self) -> np.ndarray:
        """Object numbers, uint16 (H, W), 0 = background."""
        return np.array([part.instance for part in self.parts], np.uint16)[self.part_map]


def make_scene(seed: int, size: tuple[int, int] = (256, 128)) -> Scene:
    """The scene of number ``seed``, a pure function of its arguments.

    The classes in ALWAYS are in every scene; bicycle and motorcycle, truck, bus and train take turns, so that
    three consecutive scenes hold all 19 classes. A composition that hides one of them is drawn again.

    Args:
        seed: scene number, >= 0.
        size: width, height in pixels, at least 96 x 48.
    """
    needed = {*ALWAYS, TWO_WHEELERS[seed % 2], LARGE[seed % 3][0]}
    least = max(4, size[0] * size[1] // 8192)
    best: tuple[int, Scene] | None = None
    for attempt in range(MAX_ATTEMPTS):
        scene = _compose(seed, attempt, size)
        visible = np.bincount(scene.train_ids().ravel(), minlength=256)
        lacking = sum(visible[name2label[name].trainId] < least for name in needed)
        if best is None or lacking < best[0]:
            best = (lacking, scene)
        if not lacking:
            break
    assert best is not None
    return best[1]


def _compose(seed: int, attempt: int, size: tuple[int, int]) -> Scene:
    rng = np.random.default_rng((seed, attempt))
    camera = Camera(
        *size,
        focal=size[0] * rng.uniform(0.50, 0.60),
        centre=size[0] * rng.uniform(0.40, 0.60),
        horizon=size[1] * rng.uniform(0.40, 0.50),
        eye=rng.uniform(1.4, 1.9),
    )
    sketch = Sketch(camera, rng)
    street = lay_out(sketch)
    placed = [*_traffic(sketch, street, seed), *_pavements(sketch, street)]
    for _, x, draw, z in sorted(((z, x, draw, z) for x, z, draw in placed), key=lambda item: -item[0]):
        sketch.new_object()
        draw(sketch, x, z)
    _bonnet(sketch)
    return Scene(camera, tuple(sketch.parts), _rasterise(sketch), seed)


def _traffic(sketch: Sketch, street: Street, seed: int) -> Iterator[tuple[float, float, things.Thing]]:
    """(x, z, thing) on the road: each lane is filled from near to far, so that vehicles do not overlap."""
    rng = sketch.rng
    near = sketch.camera.nearest()
    lanes = [0.55 * street.road[0], 0.55 * street.road[1]]
    large = int(rng.integers(0, 2))
    for index, lane in enumerate(lanes):
        z = near + rng.uniform(1.0, 9.0)
        if index == large:
            z = near + rng.uniform(4.0, 14.0)
            yield lane, z, LARGE[seed % 3][1]
            z += 26.0
        for _ in range(int(rng.integers(1, 4))):
            yield lane + rng.uniform(-0.4, 0.4), z, things.car
            z += rng.uniform(7.0, 16.0)
    vehicle = TWO_WHEELERS[seed % 2]
    middle = 0.5 * (lanes[0] + lanes[1])
    yield middle + rng.uniform(-0.8, 0.8), near + rng.uniform(2.0, 7.0), partial(_rider, vehicle)
    if rng.random() < 0.35:
        yield middle + rng.uniform(-0.8, 0.8), near + rng.uniform(7.0, 14.0), partial(_rider, _either(rng))


def _pavements(sketch: Sketch, street: Street) -> Iterator[tuple[float, float, things.Thing]]:
    rng = sketch.rng
    near = sketch.camera.nearest()
    kinds: list[things.Thing] = [
        things.person,
        things.person,
        things.traffic_light,
        things.traffic_sign,
        things.pole,
        things.tree,
    ]
    optional: list[things.Thing] = [
        things.person, things.person, things.tree, things.tree, things.pole, things.traffic_sign,
        things.traffic_light, things.bin_or_crate,
        partial(_parked, 'bicycle'), partial(_parked, 'motorcycle'),
    ]  # fmt: skip
    kinds += [thing for thing in optional if rng.random() < 0.5]
    for thing in kinds:
        edge = int(rng.integers(0, 2))
        inner, outer = street.road[edge], street.pavement[edge]
        share = (
            rng.uniform(0.1, 0.3)
            if thing not in (things.person, things.bin_or_crate)
            else rng.uniform(0.2, 0.95)
        )
        yield inner + share * (outer - inner), near + rng.uniform(3.0, 18.0), thing


def _either(rng: np.random.Generator) -> str:
    return TWO_WHEELERS[int(rng.integers(0, 2))]


def _rider(vehicle: str, sketch: Sketch, x: float, z: float) -> None:
    things.rider_on(sketch, vehicle, x, z)


def _parked(vehicle: str, sketch: Sketch, x: float, z: float) -> None:
    things.two_wheeler(sketch, vehicle, x, z)


def _bonnet(sketch: Sketch) -> None:
    """The own car at the lower edge, which belongs to no class."""
    camera = sketch.camera
    rise = camera.height * float(sketch.rng.uniform(0.03, 0.07))
    columns = np.array([0.1, 0.25, 0.75, 0.9]) * camera.width
    rows = camera.height - np.array([0.0, rise, rise, 0.0])
    polygon = np.round(np.stack([columns, rows], axis=1)).astype(np.int64)
    sketch.parts.append(Shape('ego vehicle', 'bonnet', 0.0, polygon, 0.5, 0))


def _rasterise(sketch: Sketch) -> np.ndarray:
    part_map = np.zeros((sketch.camera.height, sketch.camera.width), np.int32)
    for index, part in enumerate(sketch.parts):
        cv2.fillPoly(part_map, [part.polygon.astype(np.int32)], index)
    return part_map
