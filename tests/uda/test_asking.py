"""What parts of one's own return by mistake is told with the part's name, at the first step at the latest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg.config.check import inspect_config
from mmseg.errors import CheckpointError, ConfigError
from mmseg.models.guard import WATCHED, StepGuard
from mmseg.options import NoOptions, Share
from mmseg.registry import PARTS
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.trainable import LossGroup
from tests.uda.networks import MODEL, small_batch, small_method, train

Answer = Callable[..., Any]


def one_step(*parts: dict[str, Any], **options: Any) -> dict[str, torch.Tensor]:
    return train(small_method(parts=[*parts], **options), [small_batch()])[0]


def loss_of(host: Adaptation, step: Step) -> torch.Tensor:
    return host.student.forward_logits(step.batch['img'], step.draws)[0]['main'].mean()


WRONG_TERMS = {
    'None': (lambda output: None, 'None, expected a Contribution'),
    'dict': (lambda output: {'odd.loss': output.logits.mean()}, 'type dict, expected a Contribution'),
    'float loss': (lambda output: Contribution({'odd.loss': 0.5}), "type float as the loss 'odd.loss'"),
    'map': (lambda output: Contribution({'odd.loss': output.logits}), "shape .* as the loss 'odd.loss', expected"),
    'float metric': (lambda output: Contribution({}, {'odd.m': 0.5}), "type float as the metric 'odd.m'"),
    'whole metric': (lambda output: Contribution({}, {'odd.m': torch.ones((), dtype=torch.int64)}), 'int64 tensor'),
    'no gradient': (lambda output: Contribution({'odd.loss': torch.ones(())}), "'odd.loss' without a gradient"),
    'taken': (lambda output: Contribution({'decode.loss_seg': output.logits.mean()}), "'decode.loss_seg'.* has"),
    'both': (lambda output: Contribution({'x': output.logits.mean()}, {'x': torch.ones(())}), "metric called 'x'"),
    'seen': (lambda output: Contribution({}, seen=lambda: None), r'that seen\(\) returns None'),
    'a dict as seen': (lambda output: Contribution({}, seen={}), 'type dict as seen, expected a function'),
    'taken picture': (lambda output: Contribution({}, seen=lambda: {'img': 1}), r"seen\(\) shows 'img', expected"),
    'of the log': (lambda output: Contribution({}, {'iter': torch.ones(())}), "'iter', .* every line of the log has"),
    'lines': (lambda output: Contribution({}, {'a\nb': torch.ones(())}), "called 'a.*expected a text of one line"),
    'number': (lambda output: Contribution({}, {3: torch.ones(())}), 'a term called 3, expected a text'),
    'blank': (lambda output: Contribution({}, {' ': torch.ones(())}), "a term called ' ', expected a text"),
}  # fmt: skip


@pytest.mark.parametrize('function', ['source', 'mixed'])
@pytest.mark.parametrize('kind', WRONG_TERMS)
def test_what_is_added_to_a_pass(kind: str, function: str, registered: Answer) -> None:
    make, told = WRONG_TERMS[kind]
    entry = registered(**{function: lambda host, step, output: make(output)})
    method = small_method(parts=[entry])
    method.watch(lambda iteration, group: None)
    with pytest.raises(ConfigError, match=f'part Odd, function {function}: found .*{told}'):
        train(method, [small_batch()])


WRONG_GROUPS = {
    'None': (lambda host, step: None, 'found None, expected that it yields'),
    'a group itself': (lambda host, step: LossGroup({}, name='odd'), 'type LossGroup, expected that it yields'),
    'tensor': (lambda host, step: [loss_of(host, step)], 'yields a float32 tensor'),
    'empty': (lambda host, step: [LossGroup({}, {'odd.m': torch.ones(())}, name='odd')], "'odd' without losses"),
    'no gradient': (lambda host, step: [LossGroup({'odd.loss': torch.ones(())}, name='odd')], 'without a gradient'),
    'taken name': (lambda host, step: [LossGroup({'odd.loss': loss_of(host, step)}, name='source')],
                   "second loss group called 'source'"),
    'taken term': (lambda host, step: [LossGroup({'decode.loss_seg': loss_of(host, step)}, name='odd')],
                   "term called 'decode.loss_seg'"),
    'seen': (lambda host, step: [LossGroup({'odd.loss': loss_of(host, step)}, name='odd', seen=len)], 'seen'),
}  # fmt: skip


@pytest.mark.parametrize('kind', WRONG_GROUPS)
def test_passes_of_its_own(kind: str, registered: Answer) -> None:
    answer, told = WRONG_GROUPS[kind]
    with pytest.raises(ConfigError, match=f'part Odd, function groups: .*{told}'):
        one_step(registered(groups=answer))


def test_two_parts_with_one_name_for_their_losses(registered: Answer) -> None:
    entries = [
        registered(name, source=lambda host, step, output: Contribution({'odd.loss': output.logits.mean()}))
        for name in ('One', 'Two')
    ]
    told = (
        "part Two, function source: found a term called 'odd.loss', expected .*part One, function source has"
    )
    with pytest.raises(ConfigError, match=told):
        one_step(*entries)
    with pytest.raises(ConfigError, match="part One, function source: .*'odd.loss'"):
        one_step(entries[0], entries[0])


def test_a_published_name_that_comes_later(registered: Answer) -> None:
    entry = registered(
        source=lambda host, step, output: Contribution({}, {'mix.decode.loss_seg': torch.ones(())})
    )
    with pytest.raises(ConfigError, match="part Odd, function source: .*'mix.decode.loss_seg'.* DACS has"):
        one_step(entry)


def test_a_part_that_published_keys_have_switched_on_already() -> None:
    mask = {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8}
    uda = {'mask_mode': 'separatetrg', 'mask_generator': mask, 'mask_lambda': 1}
    parts = [{'type': 'MaskedConsistency', 'mode': 'separatetrg', 'generator': mask}]
    told = 'uda.parts.0.type: MaskedConsistency is there already: uda.mask_mode switches it on. Keep one of the two.'
    assert told in inspect_config({'model': MODEL, 'uda': {'type': 'DACS', **uda, 'parts': parts}}).problems
    with pytest.raises(ConfigError, match='MaskedConsistency is there already'):
        small_method(**uda, parts=parts)


@pytest.mark.parametrize('answer, told', [
    (lambda host, step: 5, 'type int, expected a function'),
    (lambda host, step: lambda p: None, 'found None, expected probabilities of the shape'),
    (lambda host, step: lambda p: p[:, :2], r'shape \(2, 2, 32, 40\), expected probabilities of the shape \(2, 4'),
])  # fmt: skip
def test_corrections(answer: Answer, told: str, registered: Answer) -> None:
    with pytest.raises(ConfigError, match=f'part Odd, function correct: .*{told}'):
        one_step(registered(correct=answer))


def test_another_view(registered: Answer) -> None:
    with pytest.raises(ConfigError, match='part Odd, function look: .*a Prediction or None'):
        one_step(registered(look=lambda host, step: torch.zeros(1)))


@pytest.mark.parametrize('factor, flag', [(1.0, 0), (float('nan'), 1), (float('inf'), 1)])
def test_corrected_probabilities_that_are_not_finite_undo_the_step(
    factor: float, flag: int, registered: Answer
) -> None:
    """Pseudo-labels are whole numbers: nothing else would tell."""
    method = small_method(parts=[registered(correct=lambda host, step: lambda p: p * factor)])
    before = [parameter.clone() for parameter in method.student.parameters()]
    wrapper = OptimWrapper(torch.optim.SGD(method.parameters(), lr=0.01))
    wrapper.guard = StepGuard()
    wrapper.guard.watch(wrapper.optimizer)
    method.train_step(small_batch(), wrapper)
    assert int(wrapper.guard.flags[WATCHED] > 0) == flag
    assert bool(wrapper.guard.bad) == bool(flag)
    same = [torch.equal(one, other) for one, other in zip(before, method.student.parameters(), strict=True)]
    assert flag or not all(same)


STATES = {
    'iteration': ({'iteration': 77}, "the key 'iteration', expected a name of its own: DACS has"),
    'averaged': ({'averaged': []}, "the key 'averaged'"),
    'object': ({'c': [1, {'x': object()}]}, "type object under 'c'"),
    'function': ({'c': len}, "type builtin_function_or_method under 'c'"),
    'set': ({'c': {1, 2}}, "type set under 'c'"),
    'None': (None, 'found None, expected a dict'),
}


@pytest.mark.parametrize('kind', STATES)
def test_a_state_that_could_not_be_saved_or_read(kind: str, registered: Answer) -> None:
    state, told = STATES[kind]
    steps: list[int] = []
    entry = registered(state=lambda host: state, before_step=lambda host, step: steps.append(step.iteration))
    with pytest.raises(ConfigError, match=f'part Odd, function state: .*{told}'):
        one_step(entry)
    assert not steps, 'told before the first step'


def test_states_of_two_parts_under_one_key(registered: Answer) -> None:
    entries = [registered(name, state=lambda host: {'count': 1}) for name in ('One', 'Two')]
    with pytest.raises(
        ConfigError, match="part Two, function state: .*'count'.*part One, function state has"
    ):
        one_step(*entries)


def test_plain_values_are_states(registered: Answer) -> None:
    state = {'numbers': [1, 2.5, True, None, 'text'], 'array': np.arange(3), 'map': {'t': torch.zeros(2)}}
    method = small_method(parts=[registered(state=lambda host: state)])
    assert method.training_state()['array'] is state['array']


def test_a_part_that_needs_a_target_where_there_is_none(registered: Answer) -> None:
    def reads(host: Adaptation, step: Step) -> Iterator[LossGroup]:
        yield LossGroup({'odd.loss': step.batch['target_img'].mean()}, name='odd')

    method = small_method(parts=[registered(groups=reads)], source_only=True)
    batch = small_batch()
    del batch['target_img'], batch['target_img_metas']
    with pytest.raises(ConfigError, match=r'part Odd, function groups: .*target_img.*host\.has_target'):
        train(method, [batch])


def test_errors_of_the_part_itself_stay_as_they_are(registered: Answer) -> None:
    with pytest.raises(KeyError, match='mine'):
        one_step(registered(source=lambda host, step, output: {}['mine']))


def test_the_gradient_of_a_part_with_passes_of_its_own_is_logged(registered: Answer) -> None:
    def own(host: Adaptation, step: Step) -> Iterator[LossGroup]:
        for name in ('one', 'two'):
            yield LossGroup({f'{name}.loss': loss_of(host, step)}, name=name)

    entry = registered(groups=own, gradient_name='Odd Grad.')
    logged = one_step(entry, print_grad_magnitude=True)
    assert logged['Odd Grad.'] > 0
    assert logged['Odd Grad. (two)'] > 0
    assert not any('Grad.' in name for name in one_step(entry))


def test_what_else_parts_name(registered: Answer) -> None:
    with pytest.raises(
        ConfigError, match='part Odd, function averages: found .* Linear, expected a list of Average'
    ):
        one_step(registered(averages=lambda host: [nn.Linear(1, 1)]))
    guarded = small_method(parts=[registered('Other', constants=lambda host: None)])
    with pytest.raises(
        ConfigError, match='part Other, function constants: found None, expected a list of Module'
    ):
        guarded.constants()


def test_a_state_from_before_a_part_was_there(registered: Answer) -> None:
    entry = registered(load_state=lambda host, state: state['of the odd'])
    told = "part Odd, function load_state: found no entry 'of the odd' in the checkpoint.*--load-from"
    with pytest.raises(CheckpointError, match=told):
        small_method(parts=[entry]).load_training_state(small_method().training_state())


def test_options_that_cannot_be_read() -> None:
    class Plain:
        pass

    @dataclass
    class Own:
        a: int = 1

    class Undecorated(NoOptions):
        a: int = 1

    @dataclass(frozen=True)
    class Typed(NoOptions):
        type: str = 'x'

    for options, told in (
        (Plain, 'found Plain, expected a dataclass derived from'),
        (Own, 'found Own, expected'),
        (Undecorated, 'is no dataclass'),
        (Typed, 'cannot be called "type"'),
    ):
        with pytest.raises(ConfigError, match=f'Odd.Options: .*{told}'):
            type('Odd', (Part,), {'Options': options})
    with pytest.raises(ConfigError, match=r'Odd\.Options: found Plain'):
        type('Odd', (Adaptation,), {'Options': Plain})


def test_a_default_that_its_own_declaration_refuses(registered: Answer) -> None:
    @dataclass(frozen=True)
    class Options(NoOptions):
        part: Share = 3

    entry = registered(Options=Options)
    with pytest.raises(
        ConfigError, match=r'Options\.part: found the default 3, expected a number from 0 to 1'
    ):
        small_method(parts=[entry])
    small_method(parts=[{**entry, 'part': 0.5}])


def test_conflicts_that_are_no_list(registered: Answer) -> None:
    @dataclass(frozen=True)
    class Options(NoOptions):
        def conflicts(self) -> Any:
            return 'a is bad'

    with pytest.raises(
        ConfigError, match=r"Options\.conflicts: found 'a is bad', expected a list of sentences"
    ):
        small_method(parts=[registered(Options=Options)])


def test_what_is_registered_must_be_a_part() -> None:
    PARTS.register_module(name='Function', module=replace)
    try:
        with pytest.raises(ConfigError, match=r'uda\.parts\.0\.type: Function is no class derived from'):
            small_method(parts=[{'type': 'Function'}])
    finally:
        del PARTS.module_dict['Function']
