"""How a method asks its parts. What comes back is checked here, and nowhere else: parts are often somebody's own code,
and what they return by mistake must be told at the first step, with the part's name.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from torch import Tensor

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models.segmentors.outputs import Prediction, SegmentorOutput
from mmseg.models.terms import Terms
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.pictures import Arrays, Panel, Rows
from mmseg.uda.trainable import LossGroup

OF_THE_TARGET = ('target_img', 'target_img_metas')
"""What a batch lacks where there is no target."""

END = object()


def place(part: Part, function: str) -> str:
    """What messages call a function of a part."""
    return f'part {type(part).__name__}, function {function}'


def mistake(part: Part, function: str, found: str, expected: str) -> ConfigError:
    """The error about what a part returned."""
    return ConfigError(f'{place(part, function)}: found {found}, expected {expected}.')


@contextmanager
def asking(part: Part, function: str) -> Iterator[None]:
    """While a part answers; its own errors stay as they are, with their traceback.

    Raises:
        ConfigError: it reads target images where there are none.
    """
    try:
        yield
    except KeyError as error:
        key = error.args[0] if error.args else None
        if key not in OF_THE_TARGET or part.host.has_target:
            raise
        raise ConfigError(
            f'{place(part, function)}: reads step.batch[{key!r}], but this run has no target images '
            '(uda.source_only). Ask self.host.has_target first, or leave the part out.'
        ) from error


def contributions(
    parts: Sequence[Part], function: Literal['source', 'mixed'], step: Step, output: SegmentorOutput
) -> list[tuple[Part, Contribution]]:
    """What parts add to a pass of the method.

    Raises:
        ConfigError: one returns something else.
    """
    found = []
    for part in parts:
        with asking(part, function):
            answer = getattr(part, function)(step, output)
        if not isinstance(answer, Contribution):
            raise mistake(part, function, kind_of(answer), 'a Contribution')
        if not callable(answer.seen):
            raise mistake(part, function, f'{kind_of(answer.seen)} as seen', 'a function that returns a dict')
        _check_terms(part, function, answer)
        found.append((part, answer))
    return found


def shown(
    contributions: Sequence[tuple[Part, Contribution]], function: str, found: dict[str, Any]
) -> dict[str, Any]:
    """What parts show of a pass of the method, added to what the method shows.

    Raises:
        ConfigError: a part shows something else than a dict, or something under a name that is taken.
    """
    for part, contribution in contributions:
        seen = contribution.seen()
        if not isinstance(seen, Mapping):
            raise mistake(part, function, f'that seen() returns {kind_of(seen)}', 'a dict of tensors')
        if taken := found.keys() & seen:
            expected = 'names that neither the method nor another part shows in this pass'
            raise mistake(part, function, f'that seen() shows {min(taken, key=str)!r}', expected)
        found |= seen
    return found


def passes(parts: Sequence[Part], step: Step) -> Iterator[tuple[Part, LossGroup]]:
    """Further passes of parts.

    Raises:
        ConfigError: one yields something else than a pass that can be back-propagated.
    """
    for part in parts:
        with asking(part, 'groups'):
            found = part.groups(step)
        if not isinstance(found, Iterable):
            raise mistake(part, 'groups', kind_of(found), 'that it yields loss groups')
        groups = iter(found)
        while True:
            with asking(part, 'groups'):
                group = next(groups, END)
            if group is END:
                break
            yield part, _checked_group(part, group)
            del group  # the next pass runs without it


def _checked_group(part: Part, group: Any) -> LossGroup:
    if not isinstance(group, LossGroup):
        raise mistake(part, 'groups', f'that it yields {kind_of(group)}', 'a LossGroup')
    if not group.losses:
        expected = 'at least one; metrics alone belong into what source returns'
        raise mistake(part, 'groups', f'the group {group.name!r} without losses', expected)
    seen: Any = group.seen
    if not isinstance(seen, Mapping):
        found, expected = f'that seen of the group {group.name!r} is {kind_of(seen)}', 'step.shown(function)'
        raise mistake(part, 'groups', found, expected)
    _check_terms(part, 'groups', group)
    group.owner = place(part, 'groups')
    return group


def view(parts: Sequence[Part], step: Step) -> Prediction | None:
    """The first view of the target images that a part asks for.

    Raises:
        ConfigError: it is none.
    """
    for part in parts:
        with asking(part, 'look'):
            found = part.look(step)
        if isinstance(found, Prediction):
            return found
        if found is not None:
            raise mistake(part, 'look', kind_of(found), 'a Prediction or None')
    return None


def corrections(parts: Sequence[Part], step: Step) -> list[Callable[[Tensor], Tensor]]:
    """What changes the teacher's probabilities. Sums of what comes out are left in ``step.watched``: pseudo-labels hide
    numbers that are not finite.

    Raises:
        ConfigError: a part returns something else; later, if probabilities come back in another shape.
    """
    found = []
    for part in parts:
        with asking(part, 'correct'):
            correct = part.correct(step)
        if correct is None:
            continue
        if not callable(correct):
            raise mistake(part, 'correct', kind_of(correct), 'a function of probabilities, or None')
        found.append(_checked_correction(part, correct, step))
    return found


def _checked_correction(
    part: Part, correct: Callable[[Tensor], Any], step: Step
) -> Callable[[Tensor], Tensor]:
    def checked(probabilities: Tensor) -> Tensor:
        shape = tuple(probabilities.shape)
        with asking(part, 'correct'):
            found = correct(probabilities)
        if not isinstance(found, Tensor) or found.shape != shape or not found.is_floating_point():
            raise mistake(part, 'correct', kind_of(found), f'probabilities of the shape {shape} as they came')
        step.watched.append(found.detach().sum())
        return found

    return checked


def states(parts: Sequence[Part], taken: dict[str, str]) -> dict[str, Any]:
    """What all parts keep besides the state dict.

    Args:
        parts: of the method.
        taken: keys that the method itself uses.

    Raises:
        ConfigError: a key is used twice, or what stands under it could not be read from a checkpoint.
    """
    state: dict[str, Any] = {}
    for part in parts:
        with asking(part, 'state'):
            found = part.state()
        if not isinstance(found, dict):
            raise mistake(part, 'state', kind_of(found), 'a dict')
        for key, value in found.items():
            if key in taken:
                expected = f'a name of its own: {taken[key]} has that one'
                raise mistake(part, 'state', f'the key {key!r}', expected)
            if (odd := _unreadable(value)) is not None:
                expected = (
                    'tensors, arrays, numbers, texts, None, lists and dicts: nothing else is read again'
                )
                raise mistake(part, 'state', f'{kind_of(odd)} under {key!r}', expected)
            taken[key], state[key] = place(part, 'state'), value
    return state


def restore(parts: Sequence[Part], state: Mapping[str, Any]) -> None:
    """Give parts back what :func:`states` collected.

    Raises:
        CheckpointError: a part wants what is not there.
    """
    for part in parts:
        try:
            part.load_state(state)
        except KeyError as error:
            raise CheckpointError(
                f'{place(part, "load_state")}: found no entry {error} in the checkpoint, which was written without '
                'this part or by another version of it. Resume with the configuration of the run, start a new run '
                'from its weights with --load-from, or let load_state do without (state.get).'
            ) from error


def listed(parts: Sequence[Part], function: Literal['averages', 'constants'], kind: type) -> list[Any]:
    """What all parts name.

    Raises:
        ConfigError: one names something else.
    """
    found: list[Any] = []
    for part in parts:
        with asking(part, function):
            answer = getattr(part, function)()
        odd = (
            [answer]
            if not isinstance(answer, list | tuple)
            else [x for x in answer if not isinstance(x, kind)]
        )
        if odd:
            raise mistake(part, function, kind_of(odd[0]), f'a list of {kind.__name__} objects')
        found += answer
    return found


def panels(part: Part, groups: Mapping[str, Arrays], j: int) -> Rows:
    """Panels of a part.

    Raises:
        ConfigError: it returns something else.
    """
    rows = part.panels(groups, j)
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise mistake(part, 'panels', kind_of(rows), 'a list of rows, each a list of panels')
    if odd := [panel for row in rows for panel in row if not isinstance(panel, Panel)]:
        raise mistake(part, 'panels', f'{kind_of(odd[0])} in a row', 'a Panel')
    return rows


def _check_terms(part: Part, function: str, terms: Terms) -> None:
    device = next(part.host.student.parameters()).device
    for what, values in (('loss', terms.losses), ('metric', terms.metrics)):
        if not isinstance(values, Mapping):
            raise mistake(part, function, f'{kind_of(values)} of {what} terms', 'a dict by log name')
        for name, value in values.items():
            if not isinstance(value, Tensor) or value.numel() != 1 or not value.is_floating_point():
                expected = 'a tensor of one floating-point number'
                raise mistake(part, function, f'{kind_of(value)} as the {what} {name!r}', expected)
            if value.device != device:
                raise mistake(part, function, f'the {what} {name!r} on {value.device}', f'it on {device}')
    for name, value in terms.losses.items():
        if name in terms.metrics:
            raise mistake(part, function, f'a loss and a metric called {name!r}', 'different names')
        if not value.requires_grad:
            expected = 'one computed from what is trained (0 times an output, where there is nothing to learn); what '
            expected += 'is only logged is a metric'
            raise mistake(part, function, f'the loss {name!r} without a gradient', expected)


def _unreadable(value: Any) -> Any:
    """The first thing in nested lists and dicts that a checkpoint cannot hold (mmseg.models.weights), or None."""
    if value is None or isinstance(value, Tensor | np.number) or type(value) in (bool, int, float, str):
        return None
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return None
    if type(value) not in (dict, OrderedDict, list, tuple):
        return value
    entries = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return next((odd for entry in entries if (odd := _unreadable(entry)) is not None), None)


def kind_of(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, Tensor):
        return f'a {str(value.dtype).removeprefix("torch.")} tensor of the shape {tuple(value.shape)}'
    return 'None' if value is None else f'an object of type {type(value).__name__}'
