"""Pipeline steps of the published dialect (docs/methods/pipelines.md)."""

from mmseg.datasets.transforms.base import Results, Transform
from mmseg.datasets.transforms.colour import Normalize, PhotoMetricDistortion
from mmseg.datasets.transforms.colour_transfer import ColourTransfer
from mmseg.datasets.transforms.formatting import Collect, DefaultFormatBundle, ImageToTensor
from mmseg.datasets.transforms.geometry import RandomCrop, RandomFlip, Resize
from mmseg.datasets.transforms.padding import Pad
from mmseg.datasets.transforms.pipeline import Pipeline
from mmseg.datasets.transforms.reading import LoadAnnotations, LoadImageFromFile
from mmseg.datasets.transforms.strong_photometric import StrongPhotometric
from mmseg.datasets.transforms.test_time import MultiScaleFlipAug

__all__ = [
    'Collect',
    'ColourTransfer',
    'DefaultFormatBundle',
    'ImageToTensor',
    'LoadAnnotations',
    'LoadImageFromFile',
    'MultiScaleFlipAug',
    'Normalize',
    'Pad',
    'PhotoMetricDistortion',
    'Pipeline',
    'RandomCrop',
    'RandomFlip',
    'Resize',
    'Results',
    'StrongPhotometric',
    'Transform',
]
