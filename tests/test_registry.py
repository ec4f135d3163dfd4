"""Registries look names up and do nothing else with them."""

import os
import sys
from typing import Any

import pytest
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS as ENGINE_MODELS

from mmseg.datasets import CustomDataset
from mmseg.errors import ConfigError
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

REGISTRIES = (MODELS, DATASETS, TRANSFORMS)


@pytest.mark.parametrize('registry', REGISTRIES, ids=lambda registry: registry.name)
@pytest.mark.parametrize(
    'cfg',
    [
        {'type': 'os.system', 'command': 'touch mark'},
        {'type': os.system, 'command': 'touch mark'},
        {'type': 'subprocess.run', 'args': ['touch', 'mark']},
        {'type': 'builtins.open', 'file': 'mark', 'mode': 'w'},
        {'type': 'mark.Thing'},
        {'type': 'mark', '_scope_': 'mark'},
        {'type': 'mmengine.Config'},
        {'type': ['os.system']},
        {'command': 'touch mark'},
    ],
    ids=str,
)
def test_what_is_not_registered_is_neither_imported_nor_called(
    registry: Any, cfg: dict[str, Any], tmp_path, monkeypatch
) -> None:
    (tmp_path / 'mark.py').write_text('open("mark", "w")\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f'no {registry.name} is called'):
        registry.build(cfg)
    assert not (tmp_path / 'mark').exists()
    assert 'mark' not in sys.modules


def test_components_of_the_engine_are_none_of_ours() -> None:
    assert ENGINE_MODELS.get('ImgDataPreprocessor') is ImgDataPreprocessor
    assert MODELS.get('ImgDataPreprocessor') is MODELS.get('mmengine.ImgDataPreprocessor') is None


def test_names_with_and_without_the_package() -> None:
    assert DATASETS.get('mmseg.CustomDataset') is DATASETS.get('CustomDataset') is CustomDataset


def test_a_class_in_the_place_of_its_name_is_told() -> None:
    with pytest.raises(ConfigError, match=r"expected its name: 'CustomDataset'"):
        DATASETS.build({'type': CustomDataset})


def test_scope_is_an_argument_like_any_other() -> None:
    with pytest.raises(TypeError, match='_scope_'):
        TRANSFORMS.build({'type': 'LoadAnnotations', '_scope_': 'os'})
