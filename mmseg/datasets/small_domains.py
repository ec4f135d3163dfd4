"""The small data sets of the benchmark on pictures that are at hand (docs/results.md)."""

from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.datasets.custom import CustomDataset
from mmseg.registry import DATASETS

PREPARE_PAIR = (
    'Run `python tools/prepare_procstreet2camvid.py`, which links the pictures and counts the classes.'
)


@DATASETS.register_module()
class ProcStreetDataset(CustomDataset):
    """400 streets rendered from random boxes, cylinders and noise, 480 x 360 or 960 x 720; exact train ids."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '.jpg'
    SEG_MAP_SUFFIX = '_labelTrainIds.png'
    USES_SPLIT = False
    PREPARE = PREPARE_PAIR


@DATASETS.register_module()
class Carla800Dataset(ProcStreetDataset):
    """299 frames of the simulator CARLA 0.8.2, 800 x 500, with its exact labels; 11 classes, no two-wheelers."""

    PREPARE = 'Run `python tools/prepare_procstreet2camvid.py carla800`, which links the pictures.'


@DATASETS.register_module()
class CamVidDataset(CustomDataset):
    """Real streets of Cambridge, 480 x 360, in Cityscapes' layout (Brostow et al., 2009; research licence).

    11 classes can be told apart in its labels: give ``class_merge``.
    """

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '_leftImg8bit.jpg'
    SEG_MAP_SUFFIX = '_gtFine_labelTrainIds.png'
    FULL_SIZE = (360, 480)
    PREPARE = PREPARE_PAIR


@DATASETS.register_module()
class CamVid960Dataset(CamVidDataset):
    """406 frames of CamVid at full size, 960 x 720, with finer labels: 14 classes, fewer with ``class_merge``."""

    FULL_SIZE = (720, 960)
    PREPARE = 'Run `python tools/prepare_procstreet2camvid.py camvid960`, which links the pictures.'
