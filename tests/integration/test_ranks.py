"""Two processes on the CPU: weights and instance banks stay equal, testing is shared out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.fileio import read_label, write_label_png
from tests import warm
from tests.integration.programs import ROOT
from tests.integration.test_add_a_part import CODE, FILES
from tests.integration.test_training import assert_equal
from tests.integration.tiny import tiny_config, write_config

pytestmark = [pytest.mark.slow, pytest.mark.ranks]


def torchrun(*arguments: object, code: int = 0, path: Path | None = None) -> str:
    """Two processes of a program that leave with an exit code; returns what they wrote.

    Torchrun itself starts those that it is to end, or to start again.

    Args:
        arguments: options of torchrun, the program, its arguments.
        code: the exit code.
        path: where modules are found besides.
    """
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    environment = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': os.pathsep.join(map(str, filter(None, (ROOT, path)))),
    }
    words = list(map(str, arguments))
    if code or words[0].startswith('-'):
        done = subprocess.run(
            [*launcher, *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    else:
        done = warm.run_ranks(2, words, cwd=ROOT, env=environment, timeout=240)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def config(tiny_data: Path) -> dict[str, Any]:
    config = tiny_config(tiny_data)
    config['data']['samples_per_gpu'] = 1
    config['runner']['max_iters'] = 4
    config['checkpoint_config']['interval'] = 2
    return config


@pytest.mark.parametrize('options', [{}, {'batch_norm': 'local'}, {'optimizer_sharding': True}], ids=str)
def test_ranks_stay_equal_and_resume(options: dict[str, Any], config: dict[str, Any], tmp_path: Path) -> None:
    config |= {**options, 'compare_ranks': 1}
    config['uda']['instance_bank'] = {'mode': 'clean', 'bank_size': 38, 'min_fill': 0.0}
    path = write_config(tmp_path, config)
    torchrun('tests/integration/rank_program.py', path, tmp_path / 'run')
    one, other = (torch.load(tmp_path / 'run' / f'rank{i}.pt', weights_only=True) for i in range(2))
    assert one.keys() == other.keys()
    assert one['instances.bank.filled'].any()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name

    config['resume_from'] = str(tmp_path / 'run' / 'iter_2.pth')
    torchrun('tests/integration/rank_program.py', write_config(tmp_path, config), tmp_path / 'again')
    again = torch.load(tmp_path / 'again' / 'rank1.pt', weights_only=True)
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    moments = [
        torch.load(tmp_path / name / 'iter_4.pth', weights_only=True)['optimizer']
        for name in ('run', 'again')
    ]
    assert_equal(*moments)
    # Whoever keeps them meanwhile, the file has the moments of all parameters that have learned.
    learned = {
        place for place, group in enumerate(moments[0]['param_groups']) if place in moments[0]['state']
    }
    assert len(learned) > 100


def test_ranks_leave_out_the_same_steps_and_stop_together(config: dict[str, Any], tmp_path: Path) -> None:
    """Only process 1 has values that are not finite, in iterations 2 and 4; one such step is allowed."""
    config |= {'nan_policy': 'skip', 'nan_limit': 1, 'checkpoint_config': {'interval': 1}}
    path = write_config(tmp_path, config)
    said = torchrun('tests/integration/rank_program.py', path, tmp_path / 'run', 2, 4, code=1)
    assert said.count('Iteration 2 was left out') == 1
    assert said.count('more than 1 steps left out: decode.loss_seg is nan at iteration 4;') >= 2
    record = json.loads((tmp_path / 'run' / 'nonfinite_iter_4.json').read_text())
    assert (record['processes'], record['state']) == (2, 'nonfinite_iter_4.pth')
    assert not (tmp_path / 'run' / 'iter_4.pth').exists()
    one, two, three = (
        torch.load(tmp_path / f'run/iter_{n}.pth', weights_only=True)['state_dict'] for n in (1, 2, 3)
    )
    assert all(torch.equal(value, two[name]) for name, value in one.items())
    assert not all(torch.equal(value, three[name]) for name, value in one.items())


def test_the_part_of_the_page_keeps_one_memory(config: dict[str, Any], tmp_path: Path) -> None:
    """Prototypes of each process's own images would be told by compare_ranks."""
    for name, code in zip(FILES, CODE, strict=True):
        (tmp_path / name).write_text(code, encoding='utf-8')
    config['uda']['parts'] = [{'type': 'PixelContrast'}]
    config |= {'compare_ranks': 1, 'custom_imports': {'imports': ['pixel_contrast']}}
    config['runner']['max_iters'] = 2
    path = tmp_path / 'own.py'
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in config.items()))
    torchrun('tests/integration/rank_program.py', path, tmp_path / 'run', path=tmp_path)
    one, other = (torch.load(tmp_path / 'run' / f'rank{i}.pt', weights_only=True) for i in range(2))
    assert one['contrast.known'].any()
    assert torch.equal(one['contrast.features'], other['contrast.features'])


def test_processes_that_drift_apart_are_told(config: dict[str, Any], tmp_path: Path) -> None:
    config['compare_ranks'] = 1
    path = write_config(tmp_path, config)
    said = torchrun('tests/integration/rank_program.py', path, tmp_path / 'run', 'drift:3', code=1)
    assert 'After iteration 3 process 1 differs from process 0 in 1 of ' in said
    assert (tmp_path / 'run' / 'iter_2.pth').exists()
    assert not (tmp_path / 'run' / 'iter_3.pth').exists()


def test_damaged_samples_of_all_processes_are_counted_and_limited(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """As one process does with as many images: the same count and texts in checkpoints, the same end at the limit."""
    source = config['data']['train']['source']
    data = Path(shutil.copytree(source['data_root'], tmp_path / 'data'))
    source['data_root'] = f'{data}/'
    victim = sorted((data / 'images').glob('*.png'))[1]
    victim.write_bytes(victim.read_bytes()[:1000])
    config['data'] |= {'on_error': 'skip', 'max_error_share': 0.9}
    config['checkpoint_config']['interval'] = 3
    two = write_config(tmp_path, config)
    said = torchrun('tools/train.py', two, '--work-dir', tmp_path / 'two', '--no-validate')
    assert said.count('Damaged sample replaced') == said.count('samples were damaged and replaced') == 1
    limit = '--cfg-options', 'data.max_error_share=0.01'
    refused = torchrun(
        'tools/train.py', two, '--work-dir', tmp_path / 'limit', '--no-validate', *limit, code=1
    )
    assert ' training samples were damaged, more than data.max_error_share = 0.01 allows' in refused
    assert 'Connection closed by peer' not in refused
    config['data']['samples_per_gpu'] = 2
    train = ['tools/train.py', write_config(tmp_path, config), '--work-dir', tmp_path / 'one']
    warm.run([*train, '--no-validate'], cwd=ROOT, check=True)
    one, other = (
        torch.load(tmp_path / name / 'iter_4.pth', weights_only=True)['training_state']['memory']['damaged']
        for name in ('one', 'two')
    )
    assert one == other
    assert f'{one["samples"]} of 8 samples were damaged' in said


KILLER = """
import os, signal, time
from mmseg.engine import loop
original, steps = loop.on_device, []
if (os.environ['RANK'], os.environ['TORCHELASTIC_RESTART_COUNT']) == ('0', '1'):
    time.sleep(5)  # process 1 is there first and must not look for the dead one

def deadly(*arguments):
    steps.append(0)
    if len(steps) == 4 and (os.environ['RANK'], os.environ['TORCHELASTIC_RESTART_COUNT']) == ('1', '0'):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)

loop.on_device = deadly
"""


def test_a_killed_process_and_a_restart_of_all(config: dict[str, Any], tmp_path: Path) -> None:
    """Process 1 is killed in step 4, after the checkpoint of step 2; weights and statistics are as without that."""
    path = write_config(tmp_path, config)
    torchrun('tools/train.py', path, '--work-dir', tmp_path / 'undisturbed', '--no-validate')
    (tmp_path / 'killer.py').write_text(KILLER)
    killed = [
        'tools/train.py',
        path,
        '--work-dir',
        tmp_path / 'run',
        '--no-validate',
        '--custom-imports',
        'killer',
    ]
    said = torchrun('--max-restarts=1', *killed, path=tmp_path)
    assert f'Resumed from {tmp_path / "run" / "iter_2.pth"} at iteration 2' in said
    one, other = (
        torch.load(tmp_path / name / 'iter_4.pth', weights_only=True) for name in ('undisturbed', 'run')
    )
    assert one['state_dict'].keys() == other['state_dict'].keys()
    for name, value in one['state_dict'].items():
        assert torch.equal(value, other['state_dict'][name]), name
    refused = torchrun('--max-restarts=1', *killed, path=tmp_path, code=1)
    assert refused.count('the folder holds a run already') >= 2
    assert 'Resumed from' not in refused


def test_testing_is_shared_out(config: dict[str, Any], trained: tuple[Path, Path], tmp_path: Path) -> None:
    """Scores, class maps and pictures of two processes are those of one."""
    path = write_config(tmp_path, config)
    test = ['tools/test.py', path, trained[1], '--eval', 'mIoU', '--out']
    outputs = ['--show-dir', tmp_path / 'show', '--tmpdir', tmp_path / 'parts']
    torchrun(*test, tmp_path / 'two.pkl', '--launcher', 'pytorch', '--work-dir', tmp_path / 'two', *outputs)
    warm.run([*test, tmp_path / 'one.pkl', '--work-dir', tmp_path / 'one'], cwd=ROOT, check=True)
    one, two = (json.loads((tmp_path / name / 'result_student.json').read_text()) for name in ('one', 'two'))
    assert one['confusion'] == two['confusion']
    assert (tmp_path / 'one.pkl').read_bytes() == (tmp_path / 'two.pkl').read_bytes()
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 3
    assert not list((tmp_path / 'parts').iterdir())


def test_a_teacher_is_scored_by_all_processes_together(config: dict[str, Any], tmp_path: Path) -> None:
    """The scores during training are those that one process finds in the checkpoint."""
    config['evaluation'] = {'interval': 4, 'metric': 'mIoU', 'teacher': True}
    path = write_config(tmp_path, config)
    torchrun('tools/train.py', path, '--work-dir', tmp_path / 'run', '--launcher', 'pytorch', '--no-check')
    (log,) = (tmp_path / 'run').glob('*.log.json')
    found = json.loads(log.read_text().splitlines()[-1])
    for network, name in (('student', 'mIoU'), ('teacher', 'teacher.mIoU')):
        warm.run(
            ['tools/test.py', tmp_path / 'run', '--eval', 'mIoU', '--network', network], cwd=ROOT, check=True
        )
        tested = json.loads((tmp_path / 'run' / f'result_{network}.json').read_text())
        assert found[name] == pytest.approx(tested['mIoU'] / 100, abs=1e-4)


def test_what_the_look_at_the_data_finds_is_told_once(config: dict[str, Any], tmp_path: Path) -> None:
    """The first process looks, the others end with it, without a traceback of a lost connection."""
    config['data']['train']['source']['ignore_index'] = config['model']['decode_head']['ignore_index'] = 0
    for split in ('val', 'test'):
        config['data'][split]['ignore_index'] = 0
    labels = tmp_path / 'labels'
    for path in Path(config['data']['train']['source']['data_root'], 'labels').rglob('*_labelTrainIds.png'):
        write_label_png(labels / path.name, np.zeros_like(read_label(path)))
    config['data']['train']['source']['ann_dir'] = str(labels)
    config['data']['train'].pop('rare_class_sampling', None)
    path = write_config(tmp_path, config)
    said = torchrun('tools/train.py', path, '--work-dir', tmp_path / 'run', '--launcher', 'pytorch', code=1)
    assert said.count('source: no pixel of any class') == 1
    assert '[rank1]' not in said
