"""The mean teacher."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmseg.uda.teacher import MeanTeacher, effective_alpha


class WithScalar(nn.Sequential):
    """A convolution, a batch norm and a parameter without axes."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.temperature = nn.Parameter(torch.rand(()))


@pytest.fixture
def pair():
    torch.manual_seed(1)
    return WithScalar(), WithScalar()


def values(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


def test_iteration_0_copies_every_parameter_scalars_included(pair):
    teacher, student = pair
    MeanTeacher(teacher, student, 0.99).update(0)
    for mine, theirs in zip(values(teacher), values(student), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_later_iterations_average(pair):
    teacher, student = pair
    before = values(teacher)
    MeanTeacher(teacher, student, 0.99).update(3)
    for mine, old, theirs in zip(values(teacher), before, values(student), strict=True):
        torch.testing.assert_close(mine, 0.75 * old + 0.25 * theirs)


def test_buffers_are_never_touched(pair):
    teacher, student = pair
    student(torch.randn(2, 3, 4, 4))
    mean_teacher = MeanTeacher(teacher, student, 0.99)
    for iteration in range(3):
        mean_teacher.update(iteration)
    assert teacher[1].running_mean.abs().sum() == 0
    assert teacher[1].num_batches_tracked == 0


def test_teacher_requires_no_gradient_but_the_student_does(pair):
    teacher, student = pair
    MeanTeacher(teacher, student, 0.99).update(0)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(parameter.requires_grad for parameter in student.parameters())


def test_a_copy_of_the_whole_follows_its_own_networks(pair):
    teacher, student = pair
    holder = nn.Module()
    holder.teacher, holder.student = teacher, student
    holder.update = MeanTeacher(teacher, student, 0.99)
    holder.update.update(0)
    other = copy.deepcopy(holder)
    with torch.no_grad():
        other.student.temperature.fill_(7.0)
    other.update.update(0)
    assert other.teacher.temperature == 7.0
    assert teacher.temperature != 7.0


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_alpha_ramps_up_to_its_limit(iteration, alpha):
    now, later = effective_alpha(iteration, alpha), effective_alpha(iteration + 1, alpha)
    assert 0 <= now <= later <= alpha


def test_a_constant_limit_of_one_gives_the_plain_mean_of_all_students():
    teacher, student = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    mean_teacher = MeanTeacher(teacher, student, 1.0)
    for iteration in range(5):
        nn.init.constant_(student.weight, float(iteration))
        mean_teacher.update(iteration)
    assert teacher.weight.item() == pytest.approx(2.0)
