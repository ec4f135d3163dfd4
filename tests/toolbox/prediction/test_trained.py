"""A trained network is named by its files, in any order with options, or by the folder of its run."""

import argparse
import sys
from pathlib import Path

import pytest
import torch

from mmseg.errors import CheckpointError
from mmseg.toolbox.prediction.trained import add_trained, parse_trained


def parsed(patch: pytest.MonkeyPatch, *words: object) -> argparse.Namespace:
    """The arguments of a program that is called with these words."""
    parser = argparse.ArgumentParser()
    add_trained(parser)
    parser.add_argument('--network')
    patch.setattr(sys, 'argv', ['test.py', *map(str, words)])
    return parse_trained(parser)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A work folder."""
    (tmp_path / 'run.json').write_text('{}')
    for name in ('latest.pth', 'iter_5.pth'):
        torch.save({'state_dict': {'x': torch.zeros(1)}}, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    'words',
    [
        ('a.py', 'a.pth', '--network', 'teacher'),
        ('--network', 'teacher', 'a.py', 'a.pth'),
        ('a.py', '--network', 'teacher', 'a.pth'),
    ],
)
def test_files_in_any_order_with_options(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    args = parsed(monkeypatch, *words)
    assert (args.config, args.checkpoint, args.network) == ('a.py', 'a.pth', 'teacher')


def test_the_folder_of_a_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = parsed(monkeypatch, run)
    assert (args.config, args.checkpoint) == (run / 'run.json', run / 'latest.pth')
    args = parsed(monkeypatch, run, run / 'iter_5.pth')
    assert (args.config, args.checkpoint) == (run / 'run.json', run / 'iter_5.pth')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('a.py',), 'a.py is no folder of a run; after a configuration the checkpoint is needed'),
        (('a.py', 'a.pth', 'more'), 'unrecognized arguments: more'),
        (('a.py', 'a.pth', '--netwrk', 'x'), 'unrecognized arguments: --netwrk x'),
        (('a.py', '--netwrk', 'x'), 'unrecognized arguments: --netwrk x'),
    ],
)
def test_what_does_not_fit(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match='2'):
        parsed(monkeypatch, *words)
    assert message in capsys.readouterr().err


def test_a_run_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'run.json').write_text('{}')
    with pytest.raises(CheckpointError):
        parsed(monkeypatch, tmp_path)
