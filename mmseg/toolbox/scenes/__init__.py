"""Street scenes drawn from a seed, in two styles and three raw layouts: data for the demo and the tests."""

from mmseg.toolbox.scenes.paint import STYLES, draw_scene
from mmseg.toolbox.scenes.scene import Scene, make_scene
from mmseg.toolbox.scenes.writers import write_cityscapes, write_gta, write_layouts, write_synthia

__all__ = [
    'STYLES',
    'Scene',
    'draw_scene',
    'make_scene',
    'write_cityscapes',
    'write_gta',
    'write_layouts',
    'write_synthia',
]
