"""The data sets of the published experiments (docs/methods/datasets.md#classes-and-colours)."""

from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.datasets.custom import CustomDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class GTADataset(CustomDataset):
    """GTA5: rendered streets, ids converted to Cityscapes' train ids."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '.png'
    SEG_MAP_SUFFIX = '_labelTrainIds.png'
    USES_SPLIT = False
    PREPARE = (
        'Put the pictures and labels of GTA5 below {data_root}, then run `python '
        'tools/convert_datasets/gta.py {data_root}`.'
    )


@DATASETS.register_module()
class SynthiaDataset(CustomDataset):
    """SYNTHIA (RAND_CITYSCAPES): 16 of the 19 classes occur."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '.png'
    SEG_MAP_SUFFIX = '_labelTrainIds.png'
    USES_SPLIT = False
    PREPARE = (
        'Put RGB and GT of RAND_CITYSCAPES below {data_root}, then run `python '
        'tools/convert_datasets/synthia.py {data_root}`.'
    )


@DATASETS.register_module()
class CityscapesDataset(CustomDataset):
    """Cityscapes: real German streets."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '_leftImg8bit.png'
    SEG_MAP_SUFFIX = '_gtFine_labelTrainIds.png'
    FULL_SIZE = (1024, 2048)
    PREPARE = (
        'Put leftImg8bit and gtFine of Cityscapes below {data_root}, then run `python '
        'tools/convert_datasets/cityscapes.py {data_root}`.'
    )


@DATASETS.register_module()
class ACDCDataset(CustomDataset):
    """ACDC: real streets in fog, at night, in rain and snow. Its labels come as train ids."""

    CLASSES = CLASSES
    PALETTE = PALETTE
    IMG_SUFFIX = '_rgb_anon.png'
    SEG_MAP_SUFFIX = '_gt_labelTrainIds.png'
    FULL_SIZE = (1080, 1920)
    PREPARE = (
        'Copy the pictures of all conditions of ACDC to {data_root}/rgb_anon/train and val, and the files '
        '*_gt_labelTrainIds.png to {data_root}/gt/train and val.'
    )


@DATASETS.register_module()
class DarkZurichDataset(ACDCDataset):
    """Dark Zurich: real streets at night, with ACDC's file names. Only its validation pictures have labels."""

    PREPARE = 'Unpack Dark Zurich, so that {data_root}/rgb_anon/train/night, rgb_anon/val and gt/val exist.'
