"""Released configurations, resolved and with ``_base_``, are read and built as they are."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.config import load_config
from mmseg.config.files import configs_folder
from mmseg.models import build_segmentor
from mmseg.registry import MODELS
from tests.integration.tiny import model
from tests.shared import reference_path

PROJECTS = ('daformer', 'hrda', 'dida', 'mic')


def distinct(values: list[Any]) -> list[Any]:
    """Each value once."""
    return [json.loads(text) for text in dict.fromkeys(json.dumps(value, sort_keys=True) for value in values)]


@pytest.mark.slow
def test_resolved_configurations_are_read_and_built(tmp_path: Path) -> None:
    """Every file is read; every distinct network and every distinct method is built, without memory."""
    with lzma.open(reference_path('experiments/resolved.json.xz'), 'rt') as stream:
        projects = json.load(stream)
    stored = [config for ids in projects.values() for configs in ids.values() for config in configs.values()]
    path = tmp_path / 'run.json'
    read = []
    for config in stored:
        path.write_text(json.dumps(config))
        cfg = load_config(path)
        assert cfg.model.type == config['model']['type']
        read.append(cfg.to_dict())
    with torch.device('meta'):
        for network in distinct([cfg['model'] for cfg in read]):
            assert build_segmentor(network).num_classes == 19
        for method in distinct([cfg['uda'] for cfg in read if cfg.get('uda')]):
            MODELS.build({**method, 'model': model(), 'max_iters': 40000})


@pytest.mark.slow
@pytest.mark.parametrize('project', PROJECTS)
def test_configurations_with_bases_are_read(project: str, tmp_path: Path) -> None:
    """The first file of each experiment, beside the folder _base_."""
    (tmp_path / '_base_').symlink_to(configs_folder().resolve() / '_base_')
    path = tmp_path / 'run.json'
    for configs in json.loads(reference_path(f'experiments/{project}.json').read_text()).values():
        path.write_text(json.dumps(configs[0]))
        cfg = load_config(path)
        assert cfg.name == configs[0]['name']
        assert cfg.data.train.type
        assert cfg.model.decode_head.type
