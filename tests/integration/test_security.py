"""Files of strangers in the programs: nothing runs from data; components of one's own, from training to testing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import warm
from tests.integration.programs import ROOT
from tests.integration.tiny import model, tiny_config, write_config

pytestmark = pytest.mark.slow

COMPONENTS = """
from mmseg.datasets import GTADataset
from mmseg.models.heads.daformer_head import DAFormerHead
from mmseg.registry import DATASETS, MODELS


@DATASETS.register_module()
class OwnSet(GTADataset):
    def __init__(self, **options):
        super().__init__(**options)


@MODELS.register_module()
class OwnHead(DAFormerHead):
    def __init__(self, **options):
        super().__init__(**options)
"""


def run(*words: object, cwd: Path) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    environment = {**os.environ, 'PYTHON': sys.executable, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def tool(name: str, *words: object, cwd: Path) -> tuple[int, str]:
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = warm.run([str(ROOT / name), *map(str, words)], cwd=cwd, env=environment, merged=True)
    return done.returncode, done.stdout


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder as it could be downloaded: a configuration that asks for a command, and weights."""
    folder = tmp_path / 'run'
    folder.mkdir()
    attack = {'type': 'os.system', 'command': 'touch mark'}
    config = tiny_config(tmp_path)
    config['model']['backbone'] = attack
    for split in ('train', 'val', 'test'):
        config['data'][split]['pipeline'] = [attack]
    write_config(folder, config)
    torch.save(
        {'state_dict': {'weight': torch.ones(1)}, 'meta': {'config': 'import os'}}, folder / 'latest.pth'
    )
    return folder


PROGRAMS: dict[str, list[str]] = {
    'tools/train.py': ['CONFIG'],
    'tools/test.py': ['CONFIG', 'CHECKPOINT', '--eval', 'mIoU'],
    'tools/get_flops.py': ['CONFIG'],
    'demo/image_demo.py': [str(ROOT / 'docs/demo.png'), 'CONFIG', 'CHECKPOINT', '--out-dir', 'out'],
    'run_experiments.py': ['--config', 'CONFIG'],
}


@pytest.mark.parametrize('name', PROGRAMS)
def test_a_configuration_of_a_stranger_runs_nothing(stranger: Path, name: str) -> None:
    names = {'CONFIG': 'tiny_daformer.json', 'CHECKPOINT': 'latest.pth'}
    code, said = tool(name, *(names.get(word, word) for word in PROGRAMS[name]), cwd=stranger)
    assert code == 2
    assert "model.backbone.type: no model is called 'os.system'" in said
    assert 'Traceback' not in said
    assert {path.name for path in stranger.iterdir()} == {'tiny_daformer.json', 'latest.pth'}


def test_a_folder_of_a_stranger_runs_nothing(stranger: Path) -> None:
    code, said = run('sh', ROOT / 'test.sh', stranger, cwd=stranger.parent)
    assert code == 2
    assert "no model is called 'os.system'" in said
    assert not [path for path in (stranger / 'mark', stranger.parent / 'mark') if path.exists()]


def own_config(folder: Path, data: Path) -> Path:
    """A Python configuration with components of ``own_parts`` beside it, and a helper variable."""
    (folder / 'own_parts.py').write_text(COMPONENTS)
    values: dict[str, Any] = {**tiny_config(data, 'source_only'), 'model': model()}
    values['model']['decode_head']['type'] = 'OwnHead'
    values['data']['train']['type'] = 'OwnSet'
    values['data']['workers_per_gpu'] = 1
    values['runner']['max_iters'] = 2
    lines = [f'{key} = {value!r}\n' for key, value in values.items()]
    path = folder / 'own.py'
    path.write_text(
        "custom_imports = dict(imports=['own_parts'])\nrate = 6e-5\n"
        + ''.join(lines)
        + "optimizer['lr'] = rate\n"
    )
    return path


def test_own_components_from_training_to_testing(tiny_data: Path, tmp_path: Path) -> None:
    own_config(tmp_path, tiny_data)
    code, said = tool('run_experiments.py', '--config', 'own.py', cwd=tmp_path)
    assert code == 0, said
    (work_dir,) = (tmp_path / 'work_dirs').glob('*/*')
    config, checkpoint = next(work_dir.glob('*_tiny_*.json')), work_dir / 'latest.pth'
    assert json.loads(config.read_text())['custom_imports'] == {'imports': ['own_parts']}

    code, said = tool('tools/test.py', config, checkpoint, '--eval', 'mIoU', cwd=tmp_path)
    assert code == 2
    assert said.count('\n') == 1
    assert '"--custom-imports own_parts"' in said
    named = ('--custom-imports', 'own_parts')
    code, said = run('sh', ROOT / 'test.sh', work_dir, *named, cwd=tmp_path)
    assert code == 0, said
    code, said = tool('tools/report.py', work_dir, '--pictures', 1, *named, cwd=tmp_path)
    assert code == 0, said
    assert 'Not shown' not in said
    code, said = tool('tools/replay_batch.py', work_dir, '--iteration', 2, *named, cwd=tmp_path)
    assert code == 0, said
    resume = ('run_experiments.py', '--config', 'own.py', '--resume')
    code, said = tool(*resume, '--cfg-options', 'runner.max_iters=3', cwd=tmp_path)
    assert code == 0, said
    assert (work_dir / 'iter_3.pth').is_file()


def test_own_components_in_a_dumped_python_file_and_several_processes(
    tiny_data: Path, tmp_path: Path
) -> None:
    own_config(tmp_path, tiny_data)
    parallel = ('-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2')
    words = ('own.py', '--launcher', 'pytorch', '--work-dir', 'run', '--no-validate')
    code, said = run(sys.executable, *parallel, ROOT / 'tools/train.py', *words, cwd=tmp_path)
    assert code == 0, said
    code, said = tool('tools/test.py', 'run/own.py', 'run/latest.pth', '--eval', 'mIoU', cwd=tmp_path)
    assert code == 0, said
