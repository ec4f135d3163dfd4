"""Data sets, pipelines and loaders."""

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
from mmseg.datasets.small_domains import CamVid960Dataset, CamVidDataset, Carla800Dataset, ProcStreetDataset
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
