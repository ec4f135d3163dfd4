"""Unsupervised domain adaptation for semantic segmentation: DAFormer and its relatives as parts that combine."""

import warnings
from pathlib import Path

__version__ = '0.1.0'

if Path(__file__).with_name('version.py').exists():  # a file of mmsegmentation's
    warnings.warn(
        f'{Path(__file__).parent} holds files of mmsegmentation besides those of mmseg-uda: both packages are called '
        'mmseg and lie in one folder, so that neither is whole. Install them into environments of their own.',
        stacklevel=2,
    )
