"""The street itself: sky, ground, and what stands along both sides (facades, walls, fences, hedges)."""

from dataclasses import dataclass

from mmseg.toolbox.scenes.sketch import Sketch, ground, side

FAR = 120.0


@dataclass(frozen=True)
class Street:
    """Left and right borders, metres to the right of the camera: road, pavements (outer), facades."""

    road: tuple[float, float]
    pavement: tuple[float, float]
    facade: tuple[float, float]


def lay_out(sketch: Sketch) -> Street:
    """Draw the background of a scene and return where things may stand."""
    street = _measures(sketch)
    _sky_and_ground(sketch, street)
    first = int(sketch.rng.integers(0, 2))
    for index, sign in enumerate((-1.0, 1.0)):
        _row_of_facades(sketch, sign, street.facade[index])
        # One side has a wall, the other a fence, so that both classes are in every scene.
        kind = 'wall' if index == first else 'fence'
        _barrier(sketch, kind, street.facade[index] - sign * 0.4, sketch.rng.uniform(0.0, 8.0))
    return street


def _measures(sketch: Sketch) -> Street:
    rng = sketch.rng
    left, right = -rng.uniform(3.0, 5.5), rng.uniform(3.0, 6.5)
    pavement = (left - rng.uniform(1.8, 3.2), right + rng.uniform(1.8, 3.2))
    facade = (pavement[0] - rng.uniform(0.8, 4.0), pavement[1] + rng.uniform(0.8, 4.0))
    return Street((left, right), pavement, facade)


def _sky_and_ground(sketch: Sketch, street: Street) -> None:
    camera, rng = sketch.camera, sketch.rng
    near = 0.6 * camera.nearest()
    wide = 3.0 * FAR
    sketch.add(
        'sky', 'sky', [(-wide, -5, FAR), (wide, -5, FAR), (wide, wide, FAR), (-wide, wide, FAR)], None, True
    )
    for _ in range(int(rng.integers(3, 7))):
        x, width = rng.uniform(-70, 70), rng.uniform(10, 40)
        paint, label = (('leaf', 'vegetation'), ('building', 'building'))[int(rng.integers(0, 2))]
        top = rng.uniform(5, 12 if label == 'vegetation' else 22)
        corners = [
            (x, -2.0, FAR),
            (x, top, FAR),
            (x + width, top * rng.uniform(0.7, 1.0), FAR),
            (x + width, -2.0, FAR),
        ]
        sketch.add(label, paint, corners, None, True)
    sketch.add('terrain', 'grass', ground((-wide, wide), (near, FAR)), None, True)
    sketch.add('sidewalk', 'pavement', ground(street.pavement, (near, FAR)), None, True)
    sketch.add('road', 'road', ground(street.road, (near, FAR)), None, True)
    middle = (street.road[0] + street.road[1]) / 2
    dash, offset = rng.uniform(2.0, 4.0), rng.uniform(0.0, 4.0)
    for index in range(6):
        start = near + offset + index * 2 * dash
        sketch.add(
            'road', 'marking', ground((middle - 0.09, middle + 0.09), (start, start + dash)), None, True
        )


def _row_of_facades(sketch: Sketch, sign: float, x: float) -> None:
    """Houses, hedges and gaps from far to near along one side."""
    rng = sketch.rng
    z = 90.0
    while z > 1.0:
        length = rng.uniform(6.0, 18.0)
        near = max(z - length, 0.7)
        kind = rng.random()
        if kind < 0.62:
            _house(sketch, sign, x, (near, z))
        elif kind < 0.82:
            sketch.add('vegetation', 'leaf', side(x, (0.0, rng.uniform(1.5, 5.0)), (near, z)), None, True)
        z = near - rng.uniform(0.0, 3.0)


def _house(sketch: Sketch, sign: float, x: float, z: tuple[float, float]) -> None:
    rng = sketch.rng
    height = rng.uniform(6.0, 20.0)
    sketch.add('building', 'building', side(x, (0.0, height), z), None, True)
    end = [(x, 0.0, z[0]), (x, height, z[0]), (x + sign * 12, height, z[0]), (x + sign * 12, 0.0, z[0])]
    sketch.add('building', 'building.side', end, None, True)
    columns, storeys = max(int((z[1] - z[0]) / 3.0), 1), int(height / 3.2)
    glass = float(rng.random())
    for row in range(min(storeys, 4)):
        for column in range(min(columns, 5)):
            start = z[0] + (column + 0.3) * (z[1] - z[0]) / columns
            bottom = 1.0 + 3.2 * row
            pane = side(x, (bottom, bottom + 1.6), (start, start + 1.2))
            sketch.add('building', 'window', pane, glass, True)


def _barrier(sketch: Sketch, kind: str, x: float, start: float) -> None:
    """A wall or a fence of 6 to 14 metres, close enough to cover some pixels."""
    rng = sketch.rng
    z = (sketch.camera.nearest() + 2.0 + start, sketch.camera.nearest() + start + rng.uniform(10.0, 18.0))
    height = rng.uniform(1.8, 3.0) if kind == 'wall' else rng.uniform(1.2, 1.9)
    pick = float(rng.random())
    sketch.add(kind, kind, side(x, (0.0, height), z), pick, True)
    if kind == 'wall':
        sketch.add(kind, 'wall.side', side(x, (height - 0.25, height), z), pick, True)
        return
    bars = 12
    step = (z[1] - z[0]) / bars
    for index in range(bars):
        bar = (z[0] + index * step, z[0] + (index + 0.45) * step)
        sketch.add(kind, 'fence.side', side(x, (0.15, height - 0.2), bar), pick, True)
