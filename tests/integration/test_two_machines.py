"""The commands of docs/scaling.md for several machines, in network namespaces that stand for two."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests import warm
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

pytestmark = [pytest.mark.slow, pytest.mark.ranks]

PAGE = (ROOT / 'docs/scaling.md').read_text()
LIMIT = 600
"""Seconds for a training that takes some on an idle machine."""


def ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(['ip', *words], capture_output=True, text=True, check=False)


@pytest.fixture
def machines() -> Iterator[list[str]]:
    """Names of two namespaces with an interface ``eth0`` each, 10.0.0.1 and 10.0.0.2, that a cable joins."""
    if shutil.which('ip') is None:
        pytest.skip('the program ip is not installed')
    names = [f'mmseg{number}-{os.getpid()}' for number in (1, 2)]
    made = ip('netns', 'add', names[0])
    if made.returncode:
        pytest.skip(f'network namespaces cannot be made here: {made.stderr.strip()}')
    try:
        ends = [f'mm{number}.{os.getpid()}'[:15] for number in (1, 2)]
        setup = [
            ['netns', 'add', names[1]],
            ['link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]],
        ]
        for number, (name, end) in enumerate(zip(names, ends, strict=True), 1):
            setup += [
                ['link', 'set', end, 'netns', name],
                ['-n', name, 'link', 'set', end, 'name', 'eth0'],
                ['-n', name, 'addr', 'add', f'10.0.0.{number}/24', 'dev', 'eth0'],
                ['-n', name, 'link', 'set', 'eth0', 'up'],
                ['-n', name, 'link', 'set', 'lo', 'up'],
            ]
        for words in setup:
            done = ip(*words)
            if done.returncode:
                pytest.skip(f'ip {" ".join(words)}: {done.stderr.strip()}')
        yield names
    finally:
        for name in names:
            ip('netns', 'del', name)


def commands(config: Path, work_dir: Path) -> list[list[str]]:
    """Those of the page, with one process a machine."""
    lines = re.findall(r'^(torchrun --nnodes 2 .*)$', PAGE, re.MULTILINE)
    assert len(lines) == 2
    names = {'CONFIG': str(config), 'WORK_DIR': str(work_dir), 'torchrun': ''}
    found = []
    for line in lines:
        words = [
            names.get(word, word)
            for word in shlex.split(line.replace('--nproc-per-node 4', '--nproc-per-node 1'))
        ]
        found.append([sys.executable, '-m', 'torch.distributed.run', *filter(None, words)])
    return found


def test_the_commands_of_the_page(machines: list[str], tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data, 'source_only')
    config['data']['samples_per_gpu'] = 1
    config['runner']['max_iters'] = 2
    path = write_config(tmp_path, config)
    variables = dict(re.findall(r'(\w+_SOCKET_IFNAME)=(\w+)', PAGE))
    assert set(variables) == {'NCCL_SOCKET_IFNAME', 'GLOO_SOCKET_IFNAME'}
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    processes = [
        subprocess.Popen(
            ['ip', 'netns', 'exec', machine, *command], cwd=ROOT, env=environment | variables,
            stdout=(tmp_path / f'{machine}.txt').open('w'), stderr=subprocess.STDOUT,
        )
        for machine, command in zip(machines, commands(path, tmp_path / 'two'), strict=True)
    ]  # fmt: skip
    try:
        codes = [process.wait(LIMIT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    said = [(tmp_path / f'{machine}.txt').read_text() for machine in machines]
    assert codes == [0, 0], '\n'.join(said)
    assert ['Iter' in text or 'Start running' in text for text in said] == [True, False]
    one = ['tools/train.py', str(path), f'--work-dir={tmp_path / "one"}']
    done = warm.run_ranks(2, one, cwd=ROOT, env=environment, timeout=LIMIT)
    assert done.returncode == 0, done.stdout
    first, second = (
        torch.load(tmp_path / name / 'iter_2.pth', weights_only=True)['state_dict'] for name in ('one', 'two')
    )
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
