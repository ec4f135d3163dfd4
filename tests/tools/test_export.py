"""tools/export.py: which sizes, which files."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from mmseg.errors import UsageError
from tests.integration.tiny import tiny_config

TOOL = str(Path(__file__).resolve().parents[2] / 'tools' / 'export.py')


@pytest.fixture(scope='module')
def tool() -> dict[str, Any]:
    return runpy.run_path(TOOL, run_name='tool')


def test_sizes(tool: dict[str, Any]) -> None:
    config = tiny_config(Path('data'))
    assert tool['chosen_shapes'](None, config, True) == [(64, 128)]
    assert tool['chosen_shapes'](None, config, False) == [(64, 128), (48, 96)]
    assert tool['chosen_shapes']([[50, 90]], config, False) == [(50, 90)]
    with pytest.raises(UsageError, match='positive'):
        tool['chosen_shapes']([[0, 90]], config, False)
    config['data']['test']['pipeline'][1].pop('img_scale')
    with pytest.raises(UsageError, match='add --shape'):
        tool['chosen_shapes'](None, config, False)


def test_names(tool: dict[str, Any]) -> None:
    assert tool['named'](Path('a/x.onnx'), (512, 1024), True) == Path('a/x_512x1024.onnx')
    assert tool['named'](Path('a/x.onnx'), (512, 1024), False) == Path('a/x.onnx')
