"""Processes that must hold the same bits; the other one is played (two real ones: tests/integration/test_ranks.py)."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mmseg.engine import agreement
from mmseg.engine.agreement import AgreementHook, check_sums
from mmseg.engine.loop import run_loop
from mmseg.errors import TrainingError
from mmseg.models.global_batch import share_batch
from tests.engine.fakes import make_run, weights


def test_alone_nothing_is_compared(tmp_path: Path) -> None:
    run_loop(make_run(tmp_path, 2, [AgreementHook(1)]))


def play(monkeypatch: pytest.MonkeyPatch, changed: int) -> list[int]:
    """A second process whose entry of that number differs in the second comparison; returns their sizes."""
    sizes: list[int] = []

    def of_all(sums: Tensor) -> Tensor:
        sizes.append(sums.shape[1])
        other = sums.clone()
        other[0, changed] += int(len(sizes) == 2)
        return torch.cat([sums, other])

    monkeypatch.setattr(agreement, 'world_size', lambda: 2)
    monkeypatch.setattr(agreement, 'of_all', of_all)
    return sizes


def test_a_difference_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, 6, [AgreementHook(2)])
    names = list(check_sums(run))
    sizes = play(monkeypatch, names.index('model.head.weight'))
    with pytest.raises(
        TrainingError, match=r'iteration 4 process 1 differs .* in 1 of \d+ entries: model\.head\.weight\.'
    ):
        run_loop(run)
    assert len(sizes) == 2


def test_every_entry_counts(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    share_batch(run.trainable)
    before = check_sums(run)
    assert before == check_sums(run)
    assert set(weights(run)) < set(before)
    for key, value in run.trainable.state_dict().items():
        kept = value.clone()
        value.view(-1)[0] += 1
        assert [name for name, number in check_sums(run).items() if number != before[name]] == [key]
        value.copy_(kept)
    run.trainable.iteration += 1
    assert [name for name, number in check_sums(run).items() if number != before[name]] == [
        'training_state.iteration'
    ]


def test_own_statistics_are_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    left_out = set(weights(run)) - set(check_sums(run))
    assert left_out == {
        f'model.norm.{name}' for name in ('running_mean', 'running_var', 'num_batches_tracked')
    }
