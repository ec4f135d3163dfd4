"""Drop path, and switching dropout of a whole network."""

import torch
from torch import nn

from mmseg.models.dropout import DropPath, set_dropout
from tests.dropout import zero_dropout


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    out = DropPath(0.25).train()(torch.ones(4000, 2, 3))
    assert set(out.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert (out.flatten(1).std(dim=1) == 0).all()
    assert abs(out.mean().item() - 1) < 0.05


def test_drop_path_is_the_identity_in_evaluation() -> None:
    x = torch.randn(3, 2)
    assert DropPath(0.9).eval()(x) is x
    assert DropPath(0.0).train()(x) is x


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5), nn.BatchNorm2d(2)), DropPath(0.5))


def test_disabling_leaves_batch_norm_in_training() -> None:
    module = network().train()
    set_dropout(module, active=False)
    assert [m.training for m in (module[0], module[1][0], module[1][1], module[2])] == [
        False,
        False,
        True,
        False,
    ]
    set_dropout(module, active=True)
    assert all(m.training for m in module.modules())


def test_zero_dropout_is_for_good() -> None:
    module = network()
    zero_dropout(module)
    assert module.train()[0].p == module[1][0].p == module[2].drop_prob == 0
