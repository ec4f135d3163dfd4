"""Parts of one's own in every method: what they are asked, what is kept of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from mmseg.config.check import inspect_config
from mmseg.errors import ConfigError
from mmseg.options import NoOptions, Share
from mmseg.registry import PARTS
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.min_entropy import MinEnt
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.pictures import Panel
from mmseg.uda.self_training import DACS
from mmseg.uda.trainable import LossGroup
from tests.uda.networks import MODEL, observed, small_batch, train

METHODS: dict[str, tuple[type[Adaptation], dict[str, Any]]] = {
    'DACS': (DACS, {}),
    'MinEnt': (MinEnt, {'lambda_ent': {'main': 0.1}}),
    'AdvSeg': (AdvSeg, {'lambda_adv_target': {'main': 0.1}}),
}


@dataclass(frozen=True)
class WitnessOptions(NoOptions):
    """Of :class:`Witness`."""

    share: Share = 0.5


class Witness(Part):
    """Notes what it is asked; pulls the classifier's bias towards a buffer that moves."""

    Options = WitnessOptions

    def __init__(self, options: WitnessOptions, host: Adaptation) -> None:
        super().__init__(options, host)
        self.asked: list[str] = []
        self.memory = nn.Module()
        self.memory.register_buffer('place', torch.zeros(()))
        self.count = 0

    def modules(self) -> dict[str, nn.Module]:
        return {'witness': self.memory}

    def before_step(self, step: Step) -> None:
        self.asked.append('before_step')
        self.memory.place += 1

    def source(self, step: Step, output: Any) -> Contribution:
        self.asked.append('source')
        loss = self.options.share * (output.logits.float().mean() - self.memory.place.clone()).square()
        return Contribution({'witness.loss': loss}, {'witness.place': self.memory.place.clone()})

    def mixed(self, step: Step, output: Any) -> Contribution:
        self.asked.append('mixed')
        assert step.mixed_label is not None
        assert step.mixed_label.shape == (2, 1, 64, 64)
        return Contribution({}, seen=lambda: {'witnessed': torch.zeros(2, 4, 4)})

    def groups(self, step: Step) -> Iterator[LossGroup]:
        self.asked.append('groups')
        images = step.batch['target_img'] + torch.tensor(step.draws.stream('witness').normal(0, 0.1))
        logits, _ = self.host.student.forward_logits(images.float(), step.draws)
        yield LossGroup({'witness.pass': logits['main'].square().mean()}, name='witness')

    def after_step(self, iteration: int, skipped: torch.Tensor | None) -> None:
        self.asked.append('after_step')
        self.count += 1

    def state(self) -> dict[str, Any]:
        return {'witness': self.count}

    def load_state(self, state: Any) -> None:
        self.count = state['witness']

    def panels(self, groups: Any, j: int) -> list[list[Panel]]:
        return [[], [], [Panel('Witnessed', 'shade', groups['mixed']['witnessed'][j])]]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    PARTS.register_module(module=Witness)
    yield
    del PARTS.module_dict['Witness']


def built(kind: str, **options: Any) -> Adaptation:
    torch.manual_seed(0)
    method, needed = METHODS[kind]
    return method(MODEL, 10, parts=[{'type': 'Witness', **options}], **needed)


def batches(*seeds: int) -> list[Any]:
    return [small_batch(size=(64, 64), seed=seed) for seed in seeds]


@pytest.mark.parametrize('kind', METHODS)
def test_a_part_takes_part_in_every_method(kind: str) -> None:
    method = built(kind)
    groups = observed(method)
    (logged,) = train(method, batches(0))
    part = method.part(Witness)
    mixed = ['mixed'] if kind == 'DACS' else []
    assert part.asked == ['before_step', 'source', *mixed, 'groups', 'after_step']
    assert logged['witness.loss'] > 0
    assert logged['witness.place'] == 1
    assert groups['witness'].losses['witness.pass'] > 0
    assert method.state_dict()['witness.place'] == 1
    rows = method.layout().rows({n: {k: v.numpy() for k, v in g.seen.items() if isinstance(v, torch.Tensor)}
                                 for n, g in groups.items()}, 0) if kind == 'DACS' else None  # fmt: skip
    assert rows is None or [panel.title for panel in rows[2]] == ['Witnessed']


@pytest.mark.parametrize('kind', METHODS)
def test_a_part_is_resumed(kind: str) -> None:
    from tests.dropout import zero_dropout

    straight, first, second = built(kind), built(kind), built(kind)
    for method in (straight, first, second):
        zero_dropout(method)
    train(straight, batches(0, 1, 2))
    train(first, batches(0, 1))
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    train(second, batches(2))
    assert second.part(Witness).count == straight.part(Witness).count == 3
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_options_are_checked_before_anything_is_built() -> None:
    uda = {'type': 'DACS', 'parts': [{'type': 'Witness', 'share': 2, 'shar': 1}, {'type': 'Witnes'}]}
    told = inspect_config({'model': MODEL, 'uda': uda}).problems
    assert "uda.parts.0.shar: unknown key; the nearest valid name is 'share'." in told
    assert 'uda.parts.0.share: found 2, expected a number from 0 to 1.' in told
    assert any(problem.startswith("uda.parts.1.type: no part is called 'Witnes'") for problem in told)
    with pytest.raises(ConfigError, match=r'uda\.parts\.0\.share: found 2'):
        built('DACS', share=2)


def test_entries_that_are_no_dicts_are_told() -> None:
    for parts in ('Witness', ['Witness'], {'type': 'Witness'}):
        told = inspect_config({'model': MODEL, 'uda': {'type': 'DACS', 'parts': parts}}).problems
        assert any(problem.startswith('uda.parts: found') for problem in told), told


def test_two_parts_under_one_prefix_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'witness'.*List it once"):
        DACS(MODEL, 10, parts=[{'type': 'Witness'}] * 2)
