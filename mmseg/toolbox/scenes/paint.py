"""From a scene to a picture in one of two styles.

'render' looks like an early video game: flat saturated colours, even light, sharp edges. 'photo' has other
colours for the same things, textures, one-sided light, haze, a colour cast, blur, noise and dark corners.
The layouts of both have one distribution, so that appearance is what separates them.
"""

import cv2
import numpy as np

from mmseg.toolbox.scenes.scene import Scene

STYLES = ('render', 'photo')
Colour = tuple[int, int, int]

# Paint -> colours in RGB to pick from, in 'render' and in 'photo'.
COLOURS: dict[str, tuple[tuple[Colour, ...], tuple[Colour, ...]]] = {
    'sky': (((110, 170, 235), (125, 185, 245)), ((196, 202, 206), (170, 190, 208), (214, 210, 200))),
    'road': (((72, 72, 80), (82, 82, 90)), ((98, 94, 90), (112, 108, 102), (84, 82, 82))),
    'marking': (((235, 235, 235),), ((168, 166, 158),)),
    'shadow': (((40, 40, 46),), ((52, 50, 50),)),
    'pavement': (((172, 164, 160), (186, 176, 170)), ((138, 128, 122), (150, 134, 122), (128, 124, 124))),
    'grass': (((96, 176, 72), (110, 190, 84)), ((104, 112, 70), (122, 116, 82), (92, 100, 66))),
    'building': (
        ((196, 148, 116), (178, 120, 100), (206, 184, 150), (150, 132, 128)),
        ((150, 128, 108), (132, 112, 100), (164, 154, 140), (118, 112, 110), (142, 118, 98)),
    ),
    'window': (((70, 96, 130), (92, 120, 150)), ((70, 76, 80), (88, 92, 94))),
    'wall': (((140, 110, 130), (156, 126, 142)), ((118, 104, 104), (132, 120, 114))),
    'fence': (((190, 150, 80), (170, 128, 66)), ((130, 110, 86), (116, 104, 92))),
    'pole': (((120, 126, 134), (104, 110, 120)), ((94, 94, 92), (110, 106, 100))),
    'signal': (((36, 44, 36),), ((44, 46, 42), (56, 54, 48))),
    'red': (((250, 40, 40),), ((206, 76, 62),)),
    'amber': (((250, 180, 40),), ((210, 160, 84),)),
    'green': (((60, 250, 120),), ((104, 196, 140),)),
    'dark': (((24, 26, 24),), ((34, 34, 32),)),
    'sign': (((225, 30, 30), (30, 80, 225), (240, 200, 30)), ((172, 62, 54), (62, 90, 156), (186, 160, 70))),
    'board': (((245, 245, 245),), ((190, 188, 180),)),
    'leaf': (
        ((46, 130, 46), (60, 148, 56), (40, 112, 50)),
        ((72, 88, 48), (86, 94, 56), (62, 76, 50), (98, 92, 52)),
    ),
    'trunk': (((110, 78, 50),), ((84, 72, 60),)),
    'skin': (((232, 180, 150), (150, 104, 80)), ((186, 146, 124), (124, 92, 76))),
    'shirt': (
        ((230, 70, 90), (250, 150, 60), (200, 90, 200), (240, 230, 230)),
        ((142, 70, 76), (160, 112, 72), (120, 84, 118), (172, 166, 160), (70, 70, 76)),
    ),
    'trousers': (((50, 60, 110), (60, 50, 50)), ((58, 62, 82), (62, 58, 56), (92, 86, 78))),
    'rider': (((250, 240, 60), (60, 230, 220)), ((170, 160, 78), (88, 150, 146), (150, 96, 66))),
    'helmet': (((250, 250, 250), (230, 40, 60)), ((186, 184, 178), (150, 62, 66))),
    'car': (
        ((220, 40, 40), (40, 90, 210), (240, 240, 245), (30, 30, 36), (190, 196, 204)),
        ((136, 56, 54), (62, 80, 118), (186, 184, 180), (48, 48, 50), (134, 136, 138), (86, 90, 86)),
    ),
    'glass': (((50, 60, 76), (66, 80, 100)), ((54, 58, 60), (72, 76, 78))),
    'tyre': (((20, 20, 22), (34, 34, 38)), ((38, 37, 36), (46, 45, 44))),
    'spokes': (((150, 150, 156),), ((112, 110, 106),)),
    'lamp': (((255, 250, 200),), ((206, 202, 180),)),
    'tail': (((200, 20, 20),), ((140, 52, 48),)),
    'cargo': (
        ((240, 236, 226), (230, 150, 60), (90, 170, 120)),
        ((176, 172, 164), (160, 120, 80), (102, 124, 108)),
    ),
    'cab': (((210, 50, 60), (50, 90, 190)), ((136, 66, 66), (70, 88, 124))),
    'bus': (((250, 210, 40), (240, 110, 50)), ((182, 160, 82), (166, 106, 76))),
    'tram': (((235, 235, 240), (120, 220, 200)), ((178, 178, 174), (122, 152, 144))),
    'stripe': (((200, 30, 120), (30, 150, 90)), ((138, 62, 98), (64, 112, 84))),
    'motorcycle': (((230, 60, 30), (40, 40, 230)), ((146, 74, 58), (66, 66, 138))),
    'bicycle': (((60, 200, 220), (230, 90, 180)), ((78, 130, 138), (146, 84, 120))),
    'crate': (((90, 110, 90),), ((84, 92, 82),)),
    'bonnet': (((30, 34, 44),), ((44, 46, 50),)),
}

# Strength of the texture in grey levels: fine grain and blotches.
TEXTURE: dict[str, tuple[float, float]] = {
    'sky': (1.5, 7.0), 'road': (6.0, 8.0), 'pavement': (8.0, 8.0), 'grass': (12.0, 10.0),
    'leaf': (20.0, 14.0), 'building': (6.0, 9.0), 'wall': (9.0, 10.0),
}  # fmt: skip
OTHER_TEXTURE = (4.0, 4.0)
SIDE = 0.78
"""Brightness of faces that look along the street."""


def draw_scene(scene: Scene, style: str) -> np.ndarray:
    """The picture of a scene, a pure function of scene and style.

    Returns:
        uint8 (H, W, 3) in BGR order.

    Raises:
        ValueError: ``style`` is none of STYLES.
    """
    if style not in STYLES:
        raise ValueError(f'style {style!r}; expected one of {", ".join(STYLES)}')
    rng = np.random.default_rng((scene.seed, 1000 + STYLES.index(style)))
    picture = _part_colours(scene, style, rng)[scene.part_map]
    if style == 'photo':
        picture = _photograph(scene, picture, rng)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)[..., ::-1].copy()


def _part_colours(scene: Scene, style: str, rng: np.random.Generator) -> np.ndarray:
    """float32 (parts, 3) RGB."""
    spread = 4.0 if style == 'render' else 9.0
    colours = np.empty((len(scene.parts), 3), np.float32)
    for index, part in enumerate(scene.parts):
        paint, _, face = part.paint.partition('.')
        choices = COLOURS[paint][STYLES.index(style)]
        colours[index] = choices[int(part.pick * len(choices))]
        colours[index] *= SIDE if face == 'side' else 1.0
    return colours + rng.normal(0.0, spread, (len(colours), 1)).astype(np.float32)


def _photograph(scene: Scene, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    picture = picture + _texture(scene, rng)
    picture = _haze(scene, picture, rng)
    picture = _light(picture, rng)
    sigma = rng.uniform(0.35, 0.7) * scene.camera.height / 128
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)
    return picture + rng.normal(0.0, rng.uniform(1.5, 4.5), picture.shape)


def _texture(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """float (H, W, 1): grain and blotches whose strength depends on the material."""
    strength = np.array([TEXTURE.get(part.paint.partition('.')[0], OTHER_TEXTURE) for part in scene.parts])
    fine, coarse = np.moveaxis(strength[scene.part_map], -1, 0)
    height, width = scene.part_map.shape
    grain = rng.normal(0.0, 1.0, (height, width))
    small = rng.normal(0.0, 1.0, (max(height // 8, 2), max(width // 8, 2)))
    blotches = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return (fine * grain + coarse * blotches)[..., None]


def _haze(scene: Scene, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    depth = np.array([part.depth for part in scene.parts])[scene.part_map]
    rows = np.arange(scene.camera.height)[:, None] - scene.camera.horizon
    ground = scene.camera.focal * scene.camera.eye / np.maximum(rows, 0.5)
    distance = np.minimum(depth, np.where(rows > 0, ground, np.inf))
    share = 0.6 * (1.0 - np.exp(-distance / rng.uniform(90.0, 250.0)))[..., None]
    return (1 - share) * picture + share * np.array([190.0, 194.0, 196.0])


def _light(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, contrast, colour cast, light from one side, dark corners."""
    height, width = picture.shape[:2]
    x = np.linspace(-1.0, 1.0, width)[None, :]
    y = np.linspace(-1.0, 1.0, height)[:, None]
    slope = rng.uniform(-0.18, 0.18) * x + rng.uniform(-0.08, 0.08) * y
    corners = 1.0 - rng.uniform(0.05, 0.25) * (x**2 + y**2) / 2
    warmth = rng.uniform(-0.10, 0.10)
    cast = np.array([1.0 + warmth, 1.0 + rng.uniform(-0.03, 0.03), 1.0 - warmth])
    contrast = rng.uniform(0.75, 1.05)
    lit = 128.0 + contrast * (picture - 128.0) + rng.uniform(-22.0, 14.0)
    return lit * ((1.0 + slope) * corners)[..., None] * cast
