"""The one training step: what is yielded is back-propagated, in order, and logged."""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg.uda.trainable import LossGroup, Trainable


class TwoGroups(Trainable):
    """y = w x in two groups."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.gradients: list[float] = []

    def loss_groups(self, batch):
        y = self.weight * batch['img']
        yield LossGroup({'a.loss': y}, {'a.acc': torch.tensor(50.0)}, name='first')
        self.gradients.append(self.weight.grad.item())
        y = self.weight * batch['img']
        yield LossGroup({'b.one': 10 * y, 'b.two': 100 * y}, {'b.not_a_loss': y.detach()}, name='second')
        self.gradients.append(self.weight.grad.item())

    student = property(lambda self: self)

    def networks(self):
        return {}

    def init_weights(self):
        pass


@pytest.fixture
def trained():
    model = TwoGroups()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    seen = []
    model.watch(lambda iteration, group: seen.append((iteration, group.name)))
    logged = model.train_step({'img': torch.tensor(1.0)}, wrapper)
    return model, wrapper, logged, seen


def test_each_group_is_back_propagated_before_the_next_begins(trained):
    model, _, _, seen = trained
    assert model.gradients == [1.0, 111.0]
    assert seen == [(0, 'first'), (0, 'second')]


def test_gradients_of_all_groups_add_up_in_one_step(trained):
    model, wrapper, _, _ = trained
    assert model.weight.item() == pytest.approx(2.0 - 0.01 * 111)
    model.train_step({'img': torch.tensor(0.0)}, wrapper)
    assert model.weight.grad.item() == 0.0


def test_logs_keep_order_and_accuracies_are_not_back_propagated(trained):
    _, _, logged, _ = trained
    assert list(logged) == ['a.loss', 'a.acc', 'b.one', 'b.two', 'b.not_a_loss']
    assert not any(value.requires_grad for value in logged.values())


def test_training_state_restores_the_count(trained):
    model = trained[0]
    other = TwoGroups()
    other.load_training_state(model.training_state())
    assert other.iteration == model.iteration == 1


def test_total_is_the_mean_of_each_term_summed():
    losses = {'first': torch.tensor([1.0, 3.0]), 'second': torch.tensor(1.0)}
    group = LossGroup(losses, {'loss_of_another_kind': torch.tensor(9.0)}, name='x')
    assert group.total().item() == pytest.approx(3.0)
