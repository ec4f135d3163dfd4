"""Data sets, pipelines and loaders; a name is imported when it is first used."""

from typing import TYPE_CHECKING

from mmseg.late import late

if TYPE_CHECKING:
    from mmseg.datasets.building import build_dataset
    from mmseg.datasets.classes import CLASSES, PALETTE, SYNTHIA_13, SYNTHIA_16
    from mmseg.datasets.combined import ConcatDataset, RepeatDataset
    from mmseg.datasets.custom import CustomDataset
    from mmseg.datasets.domains import (
        ACDCDataset,
        CityscapesDataset,
        DarkZurichDataset,
        GTADataset,
        SynthiaDataset,
    )
    from mmseg.datasets.loading import build_test_loader, build_train_loader, collate
    from mmseg.datasets.small_domains import (
        CamVid960Dataset,
        CamVidDataset,
        Carla800Dataset,
        ProcStreetDataset,
    )
    from mmseg.datasets.uda import UDADataset

__all__ = [
    'CLASSES',
    'PALETTE',
    'SYNTHIA_13',
    'SYNTHIA_16',
    'ACDCDataset',
    'CamVid960Dataset',
    'CamVidDataset',
    'Carla800Dataset',
    'CityscapesDataset',
    'ConcatDataset',
    'CustomDataset',
    'DarkZurichDataset',
    'GTADataset',
    'ProcStreetDataset',
    'RepeatDataset',
    'SynthiaDataset',
    'UDADataset',
    'build_dataset',
    'build_test_loader',
    'build_train_loader',
    'collate',
]

__getattr__ = late(
    __name__,
    {
        'building': ['build_dataset'],
        'classes': ['CLASSES', 'PALETTE', 'SYNTHIA_13', 'SYNTHIA_16'],
        'combined': ['ConcatDataset', 'RepeatDataset'],
        'custom': ['CustomDataset'],
        'domains': ['ACDCDataset', 'CityscapesDataset', 'DarkZurichDataset', 'GTADataset', 'SynthiaDataset'],
        'loading': ['build_test_loader', 'build_train_loader', 'collate'],
        'small_domains': ['CamVid960Dataset', 'CamVidDataset', 'Carla800Dataset', 'ProcStreetDataset'],
        'uda': ['UDADataset'],
    },
)
