"""Data sets, pipelines and loaders."""

from typing import Any

from mmseg.datasets.classes import CLASSES, PALETTE, SYNTHIA_13, SYNTHIA_16
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
from mmseg.registry import DATASETS

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
    'CustomDataset',
    'DarkZurichDataset',
    'GTADataset',
    'ProcStreetDataset',
    'SynthiaDataset',
    'UDADataset',
    'build_dataset',
    'build_test_loader',
    'build_train_loader',
    'collate',
]


def build_dataset(cfg: dict[str, Any]) -> Any:
    """Build a data set from its configuration (``type`` and arguments).

    Raises:
        DataError: missing files.
        ConfigError: options that do not fit together.
    """
    return DATASETS.build(dict(cfg))
