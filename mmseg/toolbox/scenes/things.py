"""Things on the street, built of boxes, discs and rectangles; metres; ``x``, ``z``: where they stand."""

from collections.abc import Callable

from mmseg.toolbox.scenes.sketch import Sketch

Thing = Callable[[Sketch, float, float], None]


def car(sketch: Sketch, x: float, z: float) -> None:
    """A car seen from behind or in front."""
    rng = sketch.rng
    width, low, high = 0.92, rng.uniform(0.7, 0.85), rng.uniform(1.4, 1.75)
    left, right = x - width, x + width
    pick = float(rng.random())
    _shadow(sketch, x, width, z, 3.8)
    sketch.box('car', 'car', (left, right), (0.22, low), (z, z + 4.0), pick)
    top = [
        (left + 0.1, low, z + 0.4),
        (left + 0.32, high, z + 1.0),
        (right - 0.32, high, z + 1.0),
        (right - 0.1, low, z + 0.4),
    ]
    sketch.add('car', 'car', top, pick)
    pane = [
        (left + 0.25, low + 0.05, z + 0.4),
        (left + 0.4, high - 0.12, z + 0.9),
        (right - 0.4, high - 0.12, z + 0.9),
        (right - 0.25, low + 0.05, z + 0.4),
    ]
    sketch.add('car', 'glass', pane)
    _wheels(sketch, 'car', (left + 0.05, right - 0.05), 0.3, z)
    lamp = 'tail' if rng.random() < 0.5 else 'lamp'
    for edge in (left + 0.18, right - 0.18):
        sketch.disc('car', lamp, (edge, low - 0.15, z), (0.15, 0.1), 0.0, 6)


def truck(sketch: Sketch, x: float, z: float) -> None:
    """A lorry: a large cargo box, a cabin in another colour, dark underbody."""
    rng = sketch.rng
    height = rng.uniform(2.9, 3.6)
    _shadow(sketch, x, 1.25, z, 8.0)
    sketch.box('truck', 'tyre', (x - 1.15, x + 1.15), (0.25, 0.95), (z, z + 8.0))
    sketch.box('truck', 'cargo', (x - 1.25, x + 1.25), (0.95, height), (z, z + 6.5))
    sketch.upright('truck', 'cab', (x - 1.1, x + 1.1), (0.5, 1.25), z)
    for edge in (-0.03, 0.03):
        sketch.upright('truck', 'cargo.side', (x + edge - 0.03, x + edge + 0.03), (1.3, height - 0.1), z)
    _wheels(sketch, 'truck', (x - 1.0, x + 1.0), 0.48, z)


def bus(sketch: Sketch, x: float, z: float) -> None:
    """A city bus: one bright box, a band of windows all around, a destination board."""
    pick = float(sketch.rng.random())
    _shadow(sketch, x, 1.3, z, 11.0)
    sketch.box('bus', 'bus', (x - 1.28, x + 1.28), (0.3, 3.05), (z, z + 11.0), pick)
    if abs(x) > 1.3:
        inner = x - 1.28 if x > 0 else x + 1.28
        band = [(inner, 1.3, z + 0.2), (inner, 2.3, z + 0.2), (inner, 2.3, z + 10.5), (inner, 1.3, z + 10.5)]
        sketch.add('bus', 'glass', band, 0.3)
    sketch.upright('bus', 'glass', (x - 1.1, x + 1.1), (1.2, 2.35), z, 0.3)
    sketch.upright('bus', 'board', (x - 0.8, x + 0.8), (2.5, 2.9), z)
    _wheels(sketch, 'bus', (x - 1.05, x + 1.05), 0.45, z)


def train(sketch: Sketch, x: float, z: float) -> None:
    """A tram: long, tall, rounded front, with a coloured stripe and a current collector."""
    pick = float(sketch.rng.random())
    _shadow(sketch, x, 1.25, z, 20.0)
    sketch.box('train', 'tram', (x - 1.3, x + 1.3), (0.15, 3.5), (z, z + 24.0), pick)
    sketch.disc('train', 'tram', (x, 3.3, z), (1.25, 0.55), pick, 10)
    sketch.upright('train', 'stripe', (x - 1.3, x + 1.3), (0.9, 1.35), z, pick)
    if abs(x) > 1.35:
        inner = x - 1.3 if x > 0 else x + 1.3
        for low, high, paint in ((0.9, 1.35, 'stripe'), (1.7, 2.7, 'glass')):
            band = [
                (inner, low, z + 0.3),
                (inner, high, z + 0.3),
                (inner, high, z + 23.0),
                (inner, low, z + 23.0),
            ]
            sketch.add('train', paint, band, pick)
    for centre in (-0.62, 0.62):
        sketch.upright('train', 'glass', (x + centre - 0.55, x + centre + 0.55), (1.6, 2.9), z, 0.8)
    collector = [(x - 0.5, 3.8, z + 3), (x, 4.6, z + 3), (x + 0.5, 3.8, z + 3), (x, 4.4, z + 3)]
    sketch.add('train', 'tyre', collector)


def person(sketch: Sketch, x: float, z: float) -> None:
    """A pedestrian; height and clothes vary."""
    rng = sketch.rng
    tall = rng.uniform(1.5, 1.9)
    stride = rng.uniform(0.05, 0.22)
    clothes = float(rng.random())
    for foot in (-stride, stride):
        leg = [
            (x - 0.13, 0.48 * tall, z),
            (x + 0.13, 0.48 * tall, z),
            (x + foot + 0.1, 0.0, z),
            (x + foot - 0.1, 0.0, z),
        ]
        sketch.add('person', 'trousers', leg, clothes)
    _upper_body(sketch, 'person', x, 0.46 * tall, 0.54 * tall, z)


def rider_on(sketch: Sketch, vehicle: str, x: float, z: float) -> None:
    """A rider on a 'bicycle' or 'motorcycle': the two belong to different classes."""
    two_wheeler(sketch, vehicle, x, z)
    sketch.new_object()
    for foot in (-0.2, 0.2):
        leg = [
            (x + foot - 0.1, 0.4, z),
            (x + foot + 0.1, 0.4, z),
            (x + foot / 2 + 0.1, 0.95, z),
            (x + foot / 2 - 0.1, 0.95, z),
        ]
        sketch.add('rider', 'trousers', leg, 0.7)
    _upper_body(sketch, 'rider', x, 0.85, 0.95, z)
    sketch.disc('rider', 'helmet', (x, 1.76, z), (0.16, 0.14), None, 8)


def two_wheeler(sketch: Sketch, vehicle: str, x: float, z: float) -> None:
    """A bicycle seen from the side, or a motorcycle, which is lower, fuller and has a coloured body."""
    sketch.new_object()
    if vehicle == 'bicycle':
        reach, radius = 0.52, 0.36
        paint = 'bicycle'
    else:
        reach, radius = 0.62, 0.33
        paint = 'motorcycle'
    for wheel in (-reach, reach):
        sketch.disc(vehicle, 'tyre', (x + wheel, radius, z), (radius, radius), 0.1, 12)
        sketch.disc(vehicle, 'spokes', (x + wheel, radius, z), (0.7 * radius, 0.7 * radius), 0.1, 10)
    frame = [
        (x - reach, radius, z),
        (x - 0.2, 0.92, z),
        (x + 0.4, 0.95, z),
        (x + reach, radius, z),
        (x, 0.3, z),
    ]
    sketch.add(vehicle, paint, frame)
    if vehicle == 'motorcycle':
        sketch.upright(vehicle, 'motorcycle', (x - 0.6, x + 0.55), (0.32, 0.85), z)
        sketch.disc(vehicle, 'lamp', (x + 0.6, 0.85, z), (0.12, 0.12), 0.0, 8)
    handlebar = [(x + 0.3, 1.0, z), (x + 0.55, 1.12, z), (x + 0.55, 1.02, z), (x + 0.35, 0.92, z)]
    sketch.add(vehicle, 'tyre', handlebar)


def pole(sketch: Sketch, x: float, z: float, height: float | None = None) -> None:
    """A lamp post; street side first, with an arm over the road."""
    tall = sketch.rng.uniform(5.0, 8.0) if height is None else height
    pick = float(sketch.rng.random())
    sketch.upright('pole', 'pole', (x - 0.11, x + 0.11), (0.0, tall), z, pick)
    if height is None:
        arm = -1.4 if x > 0 else 1.4
        sketch.upright('pole', 'pole', (min(x, x + arm), max(x, x + arm)), (tall - 0.15, tall), z, pick)


def traffic_light(sketch: Sketch, x: float, z: float) -> None:
    """A dark box with three lamps on a pole, one of them lit."""
    rng = sketch.rng
    bottom = rng.uniform(2.3, 3.2)
    pole(sketch, x, z, bottom + 0.2)
    sketch.new_object()
    sketch.upright('traffic light', 'signal', (x - 0.32, x + 0.32), (bottom, bottom + 1.5), z)
    lit = int(rng.integers(0, 3))
    for index, paint in enumerate(('green', 'amber', 'red')):
        colour = paint if index == lit else 'dark'
        sketch.disc('traffic light', colour, (x, bottom + 0.27 + 0.48 * index, z), (0.2, 0.2), 0.0, 8)


def traffic_sign(sketch: Sketch, x: float, z: float) -> None:
    """A round, triangular, octagonal or rectangular sign on a pole."""
    rng = sketch.rng
    bottom = rng.uniform(2.0, 2.8)
    pole(sketch, x, z, bottom + 0.3)
    sketch.new_object()
    corners = (12, 3, 8, 4)[int(rng.integers(0, 4))]
    pick = float(rng.random())
    size = rng.uniform(0.45, 0.65)
    sketch.disc('traffic sign', 'sign', (x, bottom + 0.5, z), (size, size), pick, corners)
    sketch.disc('traffic sign', 'board', (x, bottom + 0.5, z), (0.55 * size, 0.55 * size), pick, corners)


def tree(sketch: Sketch, x: float, z: float) -> None:
    """A trunk (vegetation, as in Cityscapes) under a crown of several blobs."""
    rng = sketch.rng
    height = rng.uniform(4.0, 8.0)
    pick = float(rng.random())
    sketch.upright('vegetation', 'trunk', (x - 0.16, x + 0.16), (0.0, height * 0.6), z)
    for _ in range(int(rng.integers(3, 6))):
        centre = (x + rng.uniform(-1.0, 1.0), height * rng.uniform(0.55, 0.95), z)
        sketch.disc(
            'vegetation', 'leaf', centre, (rng.uniform(0.9, 1.7), rng.uniform(0.9, 1.6)), pick, 14, 0.15
        )


def bin_or_crate(sketch: Sketch, x: float, z: float) -> None:
    """Something that belongs to no class of the benchmark (Cityscapes 'static', ignored)."""
    sketch.box('static', 'crate', (x - 0.3, x + 0.3), (0.0, sketch.rng.uniform(0.7, 1.1)), (z, z + 0.6))


def _upper_body(sketch: Sketch, label: str, x: float, bottom: float, size: float, z: float) -> None:
    shoulder = bottom + 0.68 * size
    torso = [(x - 0.2, bottom, z), (x - 0.26, shoulder, z), (x + 0.26, shoulder, z), (x + 0.2, bottom, z)]
    sketch.add(label, 'rider' if label == 'rider' else 'shirt', torso)
    sketch.disc(label, 'skin', (x, shoulder + 0.16 * size, z), (0.13, 0.17 * size), None, 10)


def _wheels(sketch: Sketch, label: str, x: tuple[float, float], radius: float, z: float) -> None:
    for edge in x:
        sketch.upright(label, 'tyre', (edge - 0.12, edge + 0.12), (0.0, 2 * radius), z, 0.1)


def _shadow(sketch: Sketch, x: float, half_width: float, z: float, length: float) -> None:
    """On the road under a vehicle; begins a new object."""
    corners = [
        (x - half_width, 0.0, z - 0.3),
        (x + half_width, 0.0, z - 0.3),
        (x + half_width, 0.0, z + length),
        (x - half_width, 0.0, z + length),
    ]
    sketch.add('road', 'shadow', corners, 0.0, True)
    sketch.new_object()
