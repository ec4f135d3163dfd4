"""Training on sources alone, with the parts of a method; labelled pictures of the target beside them."""

from pathlib import Path

import pytest

from mmseg.config import load_config
from mmseg.engine.train import train
from mmseg.errors import ConfigError
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow


def test_domain_generalisation(tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data)
    del config['data']['train']['target']
    with pytest.raises(ConfigError, match=r'data\.train\.target: missing.*uda\.source_only=True'):
        load_config(write_config(tmp_path, config))
    config['uda']['source_only'] = True
    run = train(load_config(write_config(tmp_path, config)), work_dir=tmp_path / 'run')
    assert run.iteration == config['runner']['max_iters']
    assert 'src.loss_imnet_feat_dist' in next((tmp_path / 'run').glob('*.log.json')).read_text()


def test_labelled_target(tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data)
    pair = config['data']['train']
    pair['labelled_target'] = {**pair['source']}
    run = train(load_config(write_config(tmp_path, config)), work_dir=tmp_path / 'run')
    assert run.iteration == config['runner']['max_iters']
