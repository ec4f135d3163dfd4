"""Random decisions of a step."""

import pytest
import torch

from mmseg.uda.augmentation import JitterStrength
from mmseg.uda.draws import SIGMA_RANGE, Draws, draw_strong

STRENGTH = JitterStrength(0.2, 0.2, 0.2, 0.1)
LABELS = torch.arange(12).view(2, 1, 2, 3)


def everything(draws):
    return draws.gates(), draws.mix_classes(LABELS).tolist(), draws.jitter(2, STRENGTH), draws.sigmas(2)


def test_decisions_are_a_function_of_seed_and_iteration():
    assert everything(Draws(1, 3)) == everything(Draws(1, 3))
    others = [everything(Draws(*key)) for key in [(2, 3), (1, 4)]]
    assert all(other[0] != everything(Draws(1, 3))[0] for other in others)


def test_leaving_one_kind_out_does_not_change_the_others():
    draws = Draws(0, 5)
    sigmas = draws.sigmas(2)
    assert everything(Draws(0, 5))[3] == sigmas


def test_the_global_generators_are_left_alone():
    torch.manual_seed(0)
    want = torch.rand(1)
    torch.manual_seed(0)
    everything(Draws(0))
    assert torch.rand(1) == want


def test_factors_orders_and_sigmas_are_in_range():
    draws = Draws(3)
    jitter = draws.jitter(500, STRENGTH)
    factors = torch.tensor(jitter.factors)
    assert (factors[:, :3] - 1).abs().max() <= 0.2
    assert factors[:, 3].abs().max() <= 0.1
    assert factors[:, 3].abs().max() > 0.09
    assert all(sorted(order) == [0, 1, 2, 3] for order in jitter.orders)
    sigmas = draws.sigmas(500)
    assert SIGMA_RANGE[0] <= min(sigmas) < max(sigmas) <= SIGMA_RANGE[1]


class Gates(Draws):
    """Draws with given gates."""

    def __init__(self, jitter, blur):
        super().__init__(0)
        self.values = (jitter, blur)

    def gates(self):
        return self.values


@pytest.mark.parametrize(
    'jitter, blur, blur_on, expected',
    [(0.3, 0.6, True, (True, True)), (0.2, 0.5, True, (False, False)), (0.9, 0.9, False, (True, False))],
)
def test_gates_open_above_their_thresholds(jitter, blur, blur_on, expected):
    strong = draw_strong(Gates(jitter, blur), 3, STRENGTH, jitter_above=0.2, blur=blur_on)
    assert (strong.jitter is not None, strong.sigmas is not None) == expected


def test_jitter_is_applied_four_times_out_of_five():
    applied = [draw_strong(Draws(0, i), 1, STRENGTH, 0.2, True).jitter is not None for i in range(400)]
    assert sum(applied) / 400 == pytest.approx(0.8, abs=0.06)
