"""Rounding may decide what a training step leaves behind; anything else may not."""

import torch
from torch import nn

from tests.parity.core import Check
from tests.parity.rounding import disturb, neighbours, with_roundings


def test_one_rounding_that_agrees_is_enough() -> None:
    seen: list[int] = []

    def compare(check: Check, rounding: int) -> None:
        seen.append(rounding)
        check.close('norm', 1.0 if rounding == 2 else 1.5, 1.0, rtol=1e-3)

    check = Check()
    with_roundings(check, compare, 5)
    assert seen == [0, 1, 2]
    assert not check.problems
    assert check.count == 1
    assert check.max_abs == 0


def test_a_difference_of_every_rounding_fails_with_the_undisturbed_numbers() -> None:
    def compare(check: Check, rounding: int) -> None:
        check.close('norm', 2.0 + rounding, 1.0, rtol=1e-3)

    check = Check()
    with_roundings(check, compare, 3)
    (problem,) = check.problems
    assert ': 2, expected 1' in problem
    assert check.max_abs == 1


def test_what_agrees_at_once_is_not_run_again() -> None:
    seen: list[int] = []
    check = Check()
    with_roundings(check, lambda _, rounding: seen.append(rounding), 3)
    assert seen == [0]
    assert check.count == 0


class _Trained:
    def __init__(self) -> None:
        self.net = nn.Linear(8, 8)

    def stored(self) -> nn.Module:
        return self.net


def test_weights_move_by_one_number_at_most_and_rounding_0_moves_none() -> None:
    trained = _Trained()
    before = trained.net.weight.detach().clone()
    disturb(trained, 0)  # type: ignore[arg-type]
    assert torch.equal(trained.net.weight, before)
    disturb(trained, 1)  # type: ignore[arg-type]
    after = trained.net.weight.detach()
    assert not torch.equal(after, before)
    assert ((after - before).abs() <= before.abs() * 2**-22).all()


def test_neighbours_are_drawn_alike_for_alike_generators() -> None:
    values = torch.randn(1000)
    first, again = (neighbours(values, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
    shares = torch.bincount((first - values).sign().long() + 1) / 1000
    assert (shares > 0.25).all()
