"""The small pair of the benchmark on pictures that are at hand (design.md 7): ProcStreet -> CamVid."""

from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.datasets.custom import CustomDataset
from mmseg.registry import DATASETS

PREPARE_PAIR = (
    'Run `python tools/prepare_procstreet2camvid.py`, which links the pictures and counts the classes.'
)


@DATASETS.register_module()
class ProcStreetDataset(CustomDataset):
    """400 streets rendered from random boxes, cylinders and noise, 480 x 360; exact train ids."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '.jpg'
    SEG_MAP_SUFFIX = '_labelTrainIds.png'
    USES_SPLIT = False
    PREPARE = PREPARE_PAIR


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
