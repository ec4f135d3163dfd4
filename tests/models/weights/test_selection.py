"""Choosing a network of a checkpoint by its prefixes."""

import pytest
import torch

from mmseg.errors import CheckpointError
from mmseg.models.weights import select_network
from mmseg.models.weights.selection import networks_in


def test_student_and_teacher_by_anchored_prefix() -> None:
    checkpoint = {
        'model.backbone.a': torch.tensor(1),
        'model.submodel.b': torch.tensor(2),
        'ema_model.backbone.a': torch.tensor(3),
        'imnet_model.backbone.a': torch.tensor(4),
        'model_D.main.c': torch.tensor(5),
    }
    student = select_network(checkpoint, 'student')
    assert {key: int(value) for key, value in student.items()} == {'backbone.a': 1, 'submodel.b': 2}
    assert {key: int(value) for key, value in select_network(checkpoint, 'teacher').items()} == {
        'backbone.a': 3
    }
    wrapped = {f'module.{key}': value for key, value in checkpoint.items()}
    assert select_network(wrapped).keys() == student.keys()
    plain = {'backbone.a': torch.tensor(1)}
    assert select_network(plain) == plain
    with pytest.raises(CheckpointError, match=r'run\.pth has no teacher'):
        select_network(plain, 'teacher', 'run.pth')


def numbers(**entries: int) -> dict[str, torch.Tensor]:
    return {key.replace('__', '.'): torch.tensor(value) for key, value in entries.items()}


def test_frozen_network() -> None:
    checkpoint = numbers(model__a=1, imnet_model__a=2)
    assert select_network(checkpoint, 'frozen') == numbers(a=2)
    assert networks_in(checkpoint) == ['student', 'frozen']
    assert networks_in(numbers(backbone__a=1)) == []


@pytest.mark.parametrize('prefix', ['module.', 'module.module.', '_orig_mod.', 'module._orig_mod.'])
def test_wrappers_around_and_inside_the_method(prefix) -> None:
    values = {f'{prefix}model.{prefix}backbone.a': torch.tensor(1)}
    assert select_network(values) == {'backbone.a': torch.tensor(1)}


def test_stripped_file_of_a_teacher_is_no_student() -> None:
    with pytest.raises(CheckpointError, match=r'x\.pth has no student.*holds teacher; use --network teacher'):
        select_network(numbers(ema_model__a=1), 'student', 'x.pth')


def test_pixel_statistics_of_mmsegmentation_are_no_weights() -> None:
    assert select_network(numbers(data_preprocessor__mean=1, backbone__a=2)) == numbers(backbone__a=2)
