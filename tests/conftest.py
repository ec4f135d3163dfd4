"""Fixtures that several parts of the test suite share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from mmseg.datasets.conversion import convert
from mmseg.datasets.label_formats import CITYSCAPES, GTA, SYNTHIA
from mmseg.datasets.scenes import write_layouts

# No time limit per example: the machines that run the tests are shared.
settings.register_profile('suite', deadline=None, max_examples=50)
settings.load_profile('suite')


@pytest.fixture(scope='session')
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted gta/, synthia/ and cityscapes/ in a folder: three scenes of 128x64 pixels (per split)."""
    root = tmp_path_factory.mktemp('tiny_data')
    write_layouts(root, 3, (128, 64))
    for name, label_format in (('gta', GTA), ('synthia', SYNTHIA), ('cityscapes', CITYSCAPES)):
        convert(os.path.join(root, name), label_format, nproc=1, progress=False)
    return root
