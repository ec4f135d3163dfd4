"""A scene before it is painted: a camera and a list of labelled polygons, far ones first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Point3 = tuple[float, float, float]
"""Metres: to the right of the camera, above the ground, ahead of the camera (> 0)."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks straight ahead over flat ground.

    Attributes:
        width, height: picture size in pixels.
        focal: focal length in pixels.
        centre, horizon: column and row of the vanishing point.
        eye: height above the ground in metres.
    """

    width: int
    height: int
    focal: float
    centre: float
    horizon: float
    eye: float

    def project(self, points: Sequence[Point3]) -> np.ndarray:
        """Pixels (N, 2), column and row, rounded; points may lie outside the picture."""
        x, y, z = np.asarray(points, np.float64).T
        columns = self.centre + self.focal * x / z
        rows = self.horizon + self.focal * (self.eye - y) / z
        # Far outside, OpenCV and Pillow would run out of their fixed-point coordinates.
        return np.clip(np.round(np.stack([columns, rows], axis=1)), -16000, 16000).astype(np.int64)

    def nearest(self) -> float:
        """Distance in metres of the ground at the lower edge of the picture."""
        return self.focal * self.eye / (self.height - self.horizon)


@dataclass(frozen=True)
class Shape:
    """One polygon.

    Attributes:
        label: Cityscapes label name ('road', 'ego vehicle', ...).
        paint: name in the colour tables of mmseg.toolbox.scenes.paint.
        pick: in [0, 1), which of the paint's colours.
        polygon: int64 (N, 2) pixels.
        depth: metres from the camera, for haze.
        instance: 0 for background, else the number of the object.
    """

    label: str
    paint: str
    pick: float
    polygon: np.ndarray
    depth: float
    instance: int


class Sketch:
    """Collects parts; every draw comes from ``rng``, so that a scene is a function of its seed."""

    def __init__(self, camera: Camera, rng: np.random.Generator) -> None:
        self.camera = camera
        self.rng = rng
        self.parts: list[Shape] = []
        self.instance = 0

    def new_object(self) -> None:
        """Parts added from now on belong to another object."""
        self.instance += 1

    def add(
        self,
        label: str,
        paint: str,
        points: Sequence[Point3],
        pick: float | None = None,
        background: bool = False,
    ) -> None:
        """Add the polygon through points of the world."""
        pick = float(self.rng.random()) if pick is None else pick
        depth = float(np.mean([point[2] for point in points]))
        instance = 0 if background else self.instance
        self.parts.append(Shape(label, paint, pick, self.camera.project(points), depth, instance))

    def upright(
        self, label: str, paint: str, x: tuple[float, float], y: tuple[float, float], z: float,
        pick: float | None = None,
    ) -> None:  # fmt: skip
        """A rectangle that faces the camera at distance ``z``; ``x``, ``y``: from, to."""
        self.add(label, paint, [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], pick)

    def disc(
        self, label: str, paint: str, centre: Point3, radius: tuple[float, float], pick: float | None = None,
        corners: int = 12, rough: float = 0.0,
    ) -> None:  # fmt: skip
        """An ellipse or regular polygon that faces the camera; ``rough`` moves its outline at random."""
        angle = np.arange(corners) * (2 * np.pi / corners) + np.pi / 2 + np.pi / corners
        reach = 1.0 + rough * self.rng.uniform(-1.0, 1.0, corners)
        x = centre[0] + radius[0] * reach * np.cos(angle)
        y = np.maximum(centre[1] + radius[1] * reach * np.sin(angle), 0.0)
        points = [(float(a), float(b), centre[2]) for a, b in zip(x, y, strict=True)]
        self.add(label, paint, points, pick)

    def box(
        self, label: str, paint: str, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float],
        pick: float | None = None,
    ) -> None:  # fmt: skip
        """A box: the side that the camera sees, a shade darker, then its front at ``z[0]``."""
        pick = float(self.rng.random()) if pick is None else pick
        if x[0] > 0 or x[1] < 0:
            inner = x[0] if x[0] > 0 else x[1]
            self.add(label, paint + '.side', side(inner, y, z), pick)
        self.upright(label, paint, x, y, z[0], pick)


def side(x: float, y: tuple[float, float], z: tuple[float, float]) -> list[Point3]:
    """A rectangle parallel to the street."""
    return [(x, y[0], z[0]), (x, y[1], z[0]), (x, y[1], z[1]), (x, y[0], z[1])]


def ground(x: tuple[float, float], z: tuple[float, float]) -> list[Point3]:
    """A rectangle on the ground."""
    return [(x[0], 0.0, z[0]), (x[1], 0.0, z[0]), (x[1], 0.0, z[1]), (x[0], 0.0, z[1])]
