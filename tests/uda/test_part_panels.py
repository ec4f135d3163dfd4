"""Debug pictures of parts of one's own: what their passes showed, and faults that cost no training."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.fileio import read_image
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.min_entropy import MinEnt
from mmseg.uda.part import Step
from mmseg.uda.pictures import Panel
from mmseg.uda.trainable import LossGroup
from tests.uda.networks import MODEL, small_batch, small_method, train
from tests.uda.test_asking import loss_of
from tests.visualization.test_debug_pictures import watched

Answer = Callable[..., Any]


def own_pass(host: Adaptation, step: Step) -> Iterator[LossGroup]:
    shown = step.shown(lambda: {'height': torch.full((2, 4, 5), 0.5)})
    yield LossGroup({'odd.loss': loss_of(host, step)}, name='odd', seen=shown)


def drawn(method: Adaptation, folder: Any, steps: int = 1) -> None:
    observer = watched(method, folder, 1)
    train(method, [small_batch(size=(64, 64), seed=i) for i in range(steps)])
    observer.close()


@pytest.mark.parametrize('kind', ['DACS', 'MinEnt'])
def test_a_part_draws_what_its_own_pass_showed(kind: str, registered: Answer, tmp_path: Any) -> None:
    entry = registered(
        groups=own_pass,
        panels=lambda host, groups, j: [[], [], [Panel('Height', 'shade', groups['odd']['height'][j])]],
    )
    method = small_method(parts=[entry])
    if kind == 'MinEnt':
        method = MinEnt(MODEL, 10, parts=[entry], lambda_ent={'main': 0.1})
    drawn(method, tmp_path)
    pictures = sorted(tmp_path.glob('*/*.png'))
    assert len(pictures) == 2
    assert read_image(pictures[0]).shape[0] == 900, 'two rows of the method, one of the part'


@pytest.mark.parametrize('answer, told', [
    (lambda host, groups, j: groups['absent'], 'KeyError'),
    (lambda host, groups, j: None, 'expected a list of rows'),
    (lambda host, groups, j: [[1]], 'a Panel'),
    (lambda host, groups, j: [[Panel('x', 'grey', np.zeros((4, 5)))]], "'grey'"),
    (lambda host, groups, j: [[Panel('x', 'shade', np.zeros((3, 4, 5)))]], r'\(3, 4, 5\), expected \(H, W\)'),
    (lambda host, groups, j: [[Panel('x', 'image', torch.zeros(3, 4, 5))]], 'an array of numbers'),
])  # fmt: skip
def test_faulty_panels_cost_a_warning_and_no_training(
    answer: Answer, told: str, registered: Answer, tmp_path: Any, logged: list[str]
) -> None:
    drawn(small_method(parts=[registered(panels=answer)]), tmp_path, steps=2)
    (warning,) = [line for line in logged if 'panels' in line]
    assert warning.startswith('part Odd, function panels: ')
    assert re.search(told, warning), warning
    assert len(list(tmp_path.glob('*/*.png'))) == 4


@pytest.mark.parametrize('kind, shape', [('image', (4, 5)), ('image', (1, 4, 5)), ('classes', (2, 4, 5)),
                                         ('shade', (1, 4, 5)), ('shade', (0, 5)), ('grey', (4, 5))])  # fmt: skip
def test_panels_that_cannot_be_drawn(kind: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="The panel 'x'"):
        Panel('x', kind, np.zeros(shape))
