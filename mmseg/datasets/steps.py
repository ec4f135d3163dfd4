"""Small changes to a list of pipeline steps; each returns a new list."""

from collections.abc import Sequence
from typing import Any

from mmseg.batch import Normalisation
from mmseg.datasets.building import single_datasets
from mmseg.errors import ConfigError

Steps = list[dict[str, Any]]


def without_labels(steps: Steps) -> Steps:
    """The steps without LoadAnnotations, unless a step decides by the label (RandomCrop with cat_max_ratio).

    The target's labels are never used in adaptation: not to decode them saves a fifth of the time of a
    sample.
    """
    if any(step.get('cat_max_ratio', 1.0) < 1.0 for step in steps):
        return steps
    return [_without_label_key(step) for step in steps if step['type'] != 'LoadAnnotations']


def with_collected(steps: Steps, key: str) -> Steps:
    """The steps with ``key`` added to those that the last step, Collect, hands on."""
    if not steps or steps[-1]['type'] != 'Collect':
        raise ConfigError(f'pipeline: the last step must be Collect, so that {key} can be handed on.')
    keys = [*steps[-1]['keys']]
    return [*steps[:-1], {**steps[-1], 'keys': keys if key in keys else [*keys, key]}]


def with_one_reduction(steps: Sequence[dict[str, Any]] | dict[str, Any], reduce_zero_label: bool) -> Steps:
    """The steps without the ``reduce_zero_label`` of LoadAnnotations, which repeats that of the data set.

    Raises:
        ConfigError: the two differ, or it is no list.
    """
    if not isinstance(steps, list | tuple):
        raise ConfigError(
            f'pipeline: found {steps!r}; expected a list of steps. build_dataset(dict(type=..., pipeline=...)) takes '
            'presets as well.'
        )
    if problem := reduction_problem(steps, reduce_zero_label):
        raise ConfigError(f'{problem}.')
    return [{key: step[key] for key in step if key != 'reduce_zero_label'} for step in steps]


def reduction_problem(steps: Sequence[dict[str, Any]], reduce_zero_label: bool) -> str | None:
    """What is wrong if a LoadAnnotations says something else about class 0 than its data set; None if nothing."""
    given = [step['reduce_zero_label'] for step in steps if 'reduce_zero_label' in step]
    if all(bool(value) == reduce_zero_label for value in given):
        return None
    return (
        f'reduce_zero_label is {reduce_zero_label} for the data set (scoring) and {given[0]} in LoadAnnotations '
        '(training); set it for the data set and leave it out of the step'
    )


def normalisation_of(dataset: Any) -> Normalisation:
    """What the pictures of a data set are normalised with, from its configuration; of a pair, those of the source.

    It is the first Normalize step that counts; without one pictures stay as they are, and without a data set
    ImageNet's numbers are assumed.
    """
    if dataset is None:
        return Normalisation()
    single: dict[str, Any] = next(single_datasets(dataset), {})
    for step in single.get('pipeline', ()):
        if step.get('type') == 'Normalize':
            return Normalisation(tuple(map(float, step['mean'])), tuple(map(float, step['std'])))
    return Normalisation((0.0,) * 3, (1.0,) * 3)


def _without_label_key(step: dict[str, Any]) -> dict[str, Any]:
    if step['type'] != 'Collect':
        return step
    return {**step, 'keys': [key for key in step['keys'] if key != 'gt_semantic_seg']}
