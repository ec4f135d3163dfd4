"""The examples of the help texts: finding them, and a folder in which they run.

A help text has a line ``examples:``. Below it, each line that is indented by two spaces and starts with ``python``,
``sh`` or ``torchrun`` is a command that works as typed from the root of the repository. Words in capitals stand for
the user's own files; :func:`substitute` puts those of :func:`build_workspace` in their places.
"""

import glob
import json
import os
import re
import runpy
import shlex
import shutil
import socket
import socketserver
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import distributed

from mmseg.config.translate import train_settings
from mmseg.datasets import CLASSES
from mmseg.engine.build import build_trainable
from mmseg.engine.evaluate import PredictedPicture
from mmseg.fileio import write_label_png
from mmseg.registry import MODELS
from mmseg.toolbox.bank.building import random_bank
from mmseg.toolbox.reports import RunResult, save_result
from mmseg.toolbox.testing.outputs import ResultFile
from mmseg.uda.instance_bank.files import write_bank
from tests.integration.hrda import tiny_hrda
from tests.integration.programs import ROOT
from tests.integration.tiny import write_config

COMMAND = re.compile(r'^  ((?:python|sh|torchrun) .*)$', re.MULTILINE)
NAMES = (
    'HRDA_CONFIG', 'HRDA_CHECKPOINT', 'HRDA_WORK_DIR', 'CONFIG', 'CHECKPOINT', 'OTHER_WORK_DIR', 'WORK_DIR', 'LOG',
    'IMAGES', 'IMAGE', 'VIDEO', 'RESULTS.pkl', 'WEIGHTS', 'SHARED', 'PAGE',
)  # fmt: skip
WORDS = re.compile(rf'(?<![\w./-])({"|".join(map(re.escape, NAMES))})(?![\w.])')

_PREPARE = 'python tools/prepare_procstreet2camvid.py'
INSTEAD = {
    'python tools/benchmark.py all': 'python tools/benchmark.py ema blur',
    'python tools/benchmark.py card --out work_dirs/card': 'python tools/benchmark.py ema --out work_dirs/card',
    _PREPARE: f'{_PREPARE} --shared SHARED',
    f'{_PREPARE} procstreet carla800 camvid': f'{_PREPARE} procstreet carla800 camvid --shared SHARED',
    f'{_PREPARE} procstreet960 camvid960 --shared ../shared --out data': (
        f'{_PREPARE} procstreet960 camvid960 --shared SHARED --out elsewhere'
    ),
}
"""Examples that need too much time or other machines -> what is run in their place."""

SHORTER = {
    'tools/benchmark.py': '--device cpu --encoder mit_b0 --size 64 --rounds 1',
    'tools/watch.py': '--port 0',
}
"""Program -> arguments added to its examples because they would take too long, or a port that others may have."""


def examples(answer: str) -> list[str]:
    """The commands among the examples of a help text."""
    _, _, text = answer.partition('examples:\n')
    return COMMAND.findall(text)


def substitute(command: str, names: Mapping[str, str]) -> list[str]:
    """The words of a command as a shell passes them on, with the names in capitals and patterns replaced."""
    command = INSTEAD.get(command, command)
    words = []
    for quoted in shlex.split(WORDS.sub(lambda found: names[found[1]], command), posix=False):
        (word,) = shlex.split(quoted)
        matches = sorted(glob.glob(word)) if word == quoted and '*' in word else []
        words += matches or [word]
    return words + shlex.split(SHORTER.get(words[1], ''))


def run_example(words: list[str], patch: pytest.MonkeyPatch) -> int:
    """Run a command in the current folder: Python programs inside this process; returns the exit code."""
    launcher, *arguments = words
    if launcher == 'sh':
        python = os.pathsep.join((str(Path(sys.executable).parent), os.environ['PATH']))
        return subprocess.run(words, env={**os.environ, 'PATH': python}, timeout=300, check=False).returncode
    if launcher == 'torchrun':
        first = next(place for place, word in enumerate(arguments) if word.endswith('.py'))
        arguments = arguments[first:]  # without torchrun's own options
        _alone(patch)
    module = arguments[1] if arguments[0] == '-m' else None
    path = Path(arguments[0]).resolve()
    patch.setattr(sys, 'argv', arguments[1:] if module else arguments)
    patch.setattr(sys, 'path', [str(path.parent), *sys.path])
    patch.setattr(socketserver.BaseServer, 'serve_forever', _answer_once)
    try:
        if module:
            runpy.run_module(module, run_name='__main__', alter_sys=True)
        else:
            runpy.run_path(str(path), run_name='__main__')
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
    return 0


def _answer_once(server: socketserver.TCPServer) -> None:
    """What a program that serves until Ctrl-C does here: it answers one question, and is asked it."""
    host, port = server.server_address[:2]
    with socket.create_connection((host, port), timeout=60) as asking:
        asking.sendall(f'GET / HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n'.encode())
        server.handle_request()
        assert asking.makefile('rb').readline().split()[1] == b'200'


def _alone(patch: pytest.MonkeyPatch) -> None:
    """What torchrun tells the only process of a run; tests/integration/test_ranks.py starts several."""
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    facts = {'RANK': 0, 'WORLD_SIZE': 1, 'LOCAL_RANK': 0, 'MASTER_ADDR': 'localhost', 'MASTER_PORT': port}
    for name, value in facts.items():
        patch.setenv(name, str(value))


def build_workspace(root: Path, data: Path, trained: tuple[Path, Path]) -> dict[str, str]:
    """Fill a folder with what examples need; returns what the names in capitals stand for, relative to it.

    Args:
        root: the folder.
        data: converted gta/, synthia/ and cityscapes/.
        trained: configuration and checkpoint of a tiny run.
    """
    _link_repository(root)
    for name in ('gta', 'synthia', 'cityscapes'):
        shutil.copytree(data / name, root / 'data' / name)
    (root / 'data/builtin').mkdir()
    for name in ('gta', 'cityscapes'):
        (root / 'data/builtin' / name).symlink_to(root / 'data' / name)
    for number in range(2):
        ids = np.arange(66, dtype=np.uint8).repeat(12).reshape(24, 33)
        write_label_png(root / f'data/mapillary/validation/labels/m{number}.png', ids)
    write_bank(root / 'embedding_cache/gta300', *random_bank(38, 8, 19, 0))
    _write_halves(data / 'cityscapes')
    (root / 'page.md').write_text(
        ''.join(f'<!-- screening {name} -->\n<!-- end -->\n' for name in ('scores', 'seeds', 'classes'))
    )
    names = _write_runs(root, trained) | _write_hrda(root, data) | _write_pictures(root, data)
    return names | {'PAGE': 'page.md', 'WEIGHTS': _write_weights(root), 'SHARED': _write_shared(root)}


def _write_halves(root: Path) -> None:
    """Split files of the validation pictures, as tools/prepare_procstreet2camvid.py writes them."""
    pictures = sorted((root / 'leftImg8bit/val').rglob('*.png'))
    for part, some in (('choose', pictures[::2]), ('report', pictures[1::2])):
        names = (path.relative_to(root / 'leftImg8bit/val').as_posix() for path in some)
        (root / f'val_{part}.txt').write_text(''.join(f'{name}\n' for name in names))


def _link_repository(root: Path) -> None:
    """Programs and configurations; the folder for generated ones is the workspace's own."""
    for path in (*ROOT.glob('*.py'), *ROOT.glob('*.sh'), ROOT / 'tools', ROOT / 'demo', ROOT / 'docs'):
        if path.exists():
            (root / path.name).symlink_to(path)
    (root / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        if path.name != 'generated':
            (root / 'configs' / path.name).symlink_to(path)


def _write_runs(root: Path, trained: tuple[Path, Path]) -> dict[str, str]:
    """Two run folders named like published ones: the name ends in what the configuration's name ends in."""
    confusion = np.random.default_rng(0).integers(1, 100, (19, 19)) + 2000 * np.eye(19, dtype=np.int64)
    iou = np.diag(confusion) / (confusion.sum(0) + confusion.sum(1) - np.diag(confusion))
    result = RunResult('first', dict(zip(CLASSES, 100 * iou, strict=True)), confusion)
    folders = []
    for title, letter in (('first', 'f'), ('second', 'c')):
        name = f'261122_0100_{title}_s0_7f24{letter}'
        folder = shutil.copytree(trained[1].parent, root / 'work_dirs' / 'local-basic' / name)
        config = folder / f'{name}.json'
        (folder / trained[0].name).rename(config)
        config.write_text(config.read_text().replace('"tiny_daformer"', f'"{title}"'))
        log = next(folder.glob('*.log.json'))
        save_result(folder / 'result_student.json', replace(result, title=title, log_file=log))
        (folder / 'nonfinite_iter_5.json').write_text(json.dumps({'iteration': 5, 'state': None}))
        folders.append(str(folder.relative_to(root)))
    return {
        'WORK_DIR': folders[0],
        'OTHER_WORK_DIR': folders[1],
        'CONFIG': f'{folders[0]}/{Path(folders[0]).name}.json',
        'CHECKPOINT': f'{folders[0]}/latest.pth',
        'LOG': str(next((root / folders[0]).glob('*.log.json')).relative_to(root)),
    }


def _write_hrda(root: Path, data: Path) -> dict[str, str]:
    config = tiny_hrda(data)
    network = build_trainable(train_settings(config))
    folder = root / 'work_dirs' / 'hrda'
    folder.mkdir()
    torch.save({'state_dict': network.state_dict()}, folder / 'latest.pth')
    path = write_config(folder, config)
    return {
        'HRDA_CONFIG': str(path.relative_to(root)),
        'HRDA_CHECKPOINT': 'work_dirs/hrda/latest.pth',
        'HRDA_WORK_DIR': 'work_dirs/hrda',
    }


def _write_pictures(root: Path, data: Path) -> dict[str, str]:
    pictures = sorted((data / 'cityscapes/leftImg8bit/val').rglob('*.png'))
    (root / 'photos').mkdir()
    for number, path in enumerate(pictures):
        shutil.copyfile(path, root / 'photos' / f'street{number}.png')
    film = cv2.VideoWriter(str(root / 'drive.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 5.0, (128, 64))
    for path in pictures:
        film.write(cv2.imread(str(path)))
    film.release()
    results = ResultFile(root / 'results.pkl')
    for index, path in enumerate(pictures):
        label_map = np.full((64, 128), index, np.int64)
        results.add(PredictedPicture(index, label_map, {'filename': str(path)}, torch.zeros(0)))
    results.collect(len(pictures))
    results.close()
    return {
        'IMAGE': 'photos/street0.png',
        'IMAGES': 'photos',
        'VIDEO': 'drive.avi',
        'RESULTS.pkl': 'results.pkl',
    }


def _write_weights(root: Path) -> str:
    """ImageNet weights of MiT-B0 as NVIDIA's file has them: no prefix, with the classifier."""
    backbone = MODELS.build({'type': 'mit_b0'})
    state = {**backbone.state_dict(), 'head.weight': torch.zeros(1000, 256), 'head.bias': torch.zeros(1000)}
    (root / 'pretrained').mkdir()
    torch.save(state, root / 'pretrained' / 'mit_b0.pth')
    return 'pretrained/mit_b0.pth'


def _write_shared(root: Path) -> str:
    """The layout of the real pictures, with one label map."""
    data = root / 'shared' / 'data'
    for name in ('camvid', 'camvid960'):
        for folder in ('leftImg8bit/val', 'gtFine'):
            (data / name / folder).mkdir(parents=True)
    for name in ('procstreet', 'procstreet960', 'carla800'):
        (data / name / 'images').mkdir(parents=True)
        write_label_png(data / name / 'labels/0_labelTrainIds.png', np.arange(19)[None])
    return 'shared'
