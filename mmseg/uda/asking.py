"""How a method asks its parts. What comes back is checked here, and nowhere else: parts are often somebody's own code,
and what they return by mistake must be told at the first step, with the part's name.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from mmseg.errors import ConfigError
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


def modules(part: Part, host: nn.Module) -> Mapping[str, nn.Module]:
    """Networks of a part that the host is about to take under these names.

    Raises:
        ConfigError: a name cannot be used, or another part uses it.
    """
    with asking(part, 'modules'):
        found = part.modules()
    if not isinstance(found, Mapping):
        raise mistake(part, 'modules', _kind(found), 'a dict of networks by the prefix of their keys')
    for prefix, module in found.items():
        if not isinstance(prefix, str) or not prefix or '.' in prefix:
            raise mistake(part, 'modules', f'the prefix {prefix!r}', 'a name without a dot')
        if not isinstance(module, nn.Module):
            raise mistake(part, 'modules', f'{_kind(module)} under {prefix!r}', 'a torch.nn.Module')
        if prefix in host._modules and prefix != 'model':
            raise ConfigError(
                f'uda: {type(part).__name__} keeps its networks under {prefix!r} in a checkpoint, as another '
                'part does. List it once.'
            )
        if hasattr(host, prefix):
            expected = f'a name that {type(host).__name__} itself has no use for'
            raise mistake(part, 'modules', f'the prefix {prefix!r}', expected)
    return found


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
            raise mistake(part, function, _kind(answer), 'a Contribution')
        _check_terms(part, function, answer)
        found.append((part, answer))
    return found


def claim(names: Iterable[str], owner: str, taken: dict[str, str]) -> None:
    """Add log names to those that are taken: terms of one name would replace each other.

    Args:
        names: of terms.
        owner: whose they are, for messages.
        taken: name -> owner, of the passes so far.

    Raises:
        ConfigError: a name is taken.
    """
    for name in names:
        if name in taken:
            # The one that came first may be the mistake, where the second one is published.
            one, other = sorted((owner, taken[name]), key=lambda text: text.startswith('part '), reverse=True)
            raise ConfigError(
                f'{one}: found a term called {name!r}, expected a name of its own: {other} has that one.'
            )
        taken[name] = owner


def shown(contributions: Sequence[tuple[Part, Contribution]], function: str) -> dict[str, Any]:
    """What parts show of a pass of the method."""
    found: dict[str, Any] = {}
    for part, contribution in contributions:
        seen = contribution.seen()
        if not isinstance(seen, Mapping):
            raise mistake(part, function, f'that seen() returns {_kind(seen)}', 'a dict of tensors')
        found.update(seen)
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
            raise mistake(part, 'groups', _kind(found), 'that it yields loss groups')
        groups = iter(found)
        while True:
            with asking(part, 'groups'):
                group = next(groups, END)
            if group is END:
                break
            yield part, _checked_group(part, group, step)
            del group  # the next pass runs without it


def _checked_group(part: Part, group: Any, step: Step) -> LossGroup:
    if not isinstance(group, LossGroup):
        raise mistake(part, 'groups', f'that it yields {_kind(group)}', 'a LossGroup')
    if not group.losses:
        expected = 'at least one; metrics alone belong into what source returns'
        raise mistake(part, 'groups', f'the group {group.name!r} without losses', expected)
    seen: Any = group.seen
    if not isinstance(seen, Mapping):
        found, expected = f'that seen of the group {group.name!r} is {_kind(seen)}', 'step.shown(function)'
        raise mistake(part, 'groups', found, expected)
    _check_terms(part, 'groups', group)
    group.owner = place(part, 'groups')
    claim(group.values(), group.owner, step.taken)
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
            raise mistake(part, 'look', _kind(found), 'a Prediction or None')
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
            raise mistake(part, 'correct', _kind(correct), 'a function of probabilities, or None')
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
            raise mistake(part, 'correct', _kind(found), f'probabilities of the shape {shape} as they came')
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
            raise mistake(part, 'state', _kind(found), 'a dict')
        for key, value in found.items():
            if key in taken:
                expected = f'a name of its own: {taken[key]} has that one'
                raise mistake(part, 'state', f'the key {key!r}', expected)
            if (odd := _unreadable(value)) is not None:
                expected = (
                    'tensors, arrays, numbers, texts, None, lists and dicts: nothing else is read again'
                )
                raise mistake(part, 'state', f'{_kind(odd)} under {key!r}', expected)
            taken[key], state[key] = place(part, 'state'), value
    return state


def panels(part: Part, groups: Mapping[str, Arrays], j: int) -> Rows:
    """Panels of a part.

    Raises:
        ConfigError: it returns something else.
    """
    rows = part.panels(groups, j)
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise mistake(part, 'panels', _kind(rows), 'a list of rows, each a list of panels')
    if odd := [panel for row in rows for panel in row if not isinstance(panel, Panel)]:
        raise mistake(part, 'panels', f'{_kind(odd[0])} in a row', 'a Panel')
    return rows


def _check_terms(part: Part, function: str, terms: Terms) -> None:
    device = next(part.host.student.parameters()).device
    for what, values in (('loss', terms.losses), ('metric', terms.metrics)):
        if not isinstance(values, Mapping):
            raise mistake(part, function, f'{_kind(values)} of {what} terms', 'a dict by log name')
        for name, value in values.items():
            if not isinstance(value, Tensor) or value.numel() != 1 or not value.is_floating_point():
                expected = 'a tensor of one floating-point number'
                raise mistake(part, function, f'{_kind(value)} as the {what} {name!r}', expected)
            if value.device != device:
                raise mistake(part, function, f'the {what} {name!r} on {value.device}', f'it on {device}')
    for name, value in terms.losses.items():
        if name in terms.metrics:
            raise mistake(part, function, f'a loss and a metric called {name!r}', 'different names')
        if not value.requires_grad:
            expected = (
                'one that is computed from what is trained (0 times an output, where there is nothing to learn); what '
                'is only logged is a metric'
            )
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


def _kind(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, Tensor):
        return f'a {str(value.dtype).removeprefix("torch.")} tensor of the shape {tuple(value.shape)}'
    return 'None' if value is None else f'an object of type {type(value).__name__}'
