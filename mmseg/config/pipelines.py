"""Steps of pipelines beside each other: what must come first and last, what training and testing need.

Data sets and steps of others are left alone: they may read and hand on what they like.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmseg.config.sections import data_sets, steps_of
from mmseg.registry import DATASETS, TRANSFORMS, Registry

Steps = Sequence[Mapping[str, Any]]
LABEL = 'gt_semantic_seg'
BUNDLES = ('DefaultFormatBundle', 'ImageToTensor')
"""Steps behind which a picture is a tensor."""


def pipeline_problems(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each pipeline that cannot give what is asked for."""
    found: list[str] = []
    for place, single in data_sets(values.get('data')):
        pipeline = single.get('pipeline')
        steps = steps_of(pipeline)
        if not isinstance(pipeline, list | tuple | Mapping) or not _is_ours(DATASETS, single):
            continue
        if not all(_is_ours(TRANSFORMS, step) for step in _all(steps)):
            continue
        judge = _of_training if place.startswith('data.train') else _of_testing
        found += [f'{place}.pipeline: {text}' for text in judge(steps, labelled='.target' not in place)]
    return found


def normalisation_problems(values: Mapping[str, Any]) -> list[str]:
    """Data sets whose pictures are normalised by other numbers than those that are learned from."""
    first: dict[tuple[Any, ...], str] = {}
    for place, single in data_sets(values.get('data')):
        for step in _all(steps_of(single.get('pipeline'))):
            if step.get('type') == 'Normalize' and {'mean', 'std'} <= {*step}:
                numbers = (
                    str([*map(float, step['mean'])]),
                    str([*map(float, step['std'])]),
                    step.get('to_rgb', True),
                )
                first.setdefault(numbers, place)
    return [
        f'{place}.pipeline: Normalize has mean {mean}, std {std}, to_rgb {rgb}, but {next(iter(first.values()))} has '
        'others, so the network sees other colours there. Give all data sets one img_norm_cfg.'
        for (mean, std, rgb), place in [*first.items()][1:]
    ]


def _of_training(steps: Steps, labelled: bool) -> Iterator[str]:
    if 'MultiScaleFlipAug' in _types(steps):
        yield 'MultiScaleFlipAug is for data.val and data.test; expected the steps of training (TrainPipeline).'
        return
    yield from _order(steps)
    keys = _collected(steps)
    if keys is not None and labelled and LABEL not in keys:
        yield f'Collect hands on {keys}; expected {LABEL}, too, which is learned.'
    if keys is not None and labelled and LABEL in keys and 'LoadAnnotations' not in _types(steps):
        yield f'Collect hands on {LABEL}, but no LoadAnnotations reads it. Add that step behind LoadImageFromFile.'


def _of_testing(steps: Steps, labelled: bool) -> Iterator[str]:
    if 'LoadAnnotations' in _types(steps):
        yield 'LoadAnnotations is for training; labels are read for scores without it. Leave it out (TestPipeline).'
        return
    if _types(steps)[-1:] != ['MultiScaleFlipAug']:
        yield 'the last step must be MultiScaleFlipAug, which holds the other ones (TestPipeline writes all of them).'
        return
    yield from _order([*steps[:-1], *steps_of(steps[-1].get('transforms'))])


def _order(steps: Steps) -> Iterator[str]:
    types = _types(steps)
    if types[:1] != ['LoadImageFromFile']:
        yield 'the first step must be LoadImageFromFile, which reads the picture.'
    if types[-1:] != ['Collect']:
        yield "the last step must be Collect, which hands on what its keys name (keys=['img', ...])."
    bundled = next((number for number, name in enumerate(types) if name in BUNDLES), len(types))
    late = [name for name in types[bundled + 1 :] if name not in (*BUNDLES, 'Collect')]
    if late:
        yield f'{", ".join(late)} behind {types[bundled]}, where pictures are tensors already. Put it in front.'
    if types and bundled == len(types):
        yield f'no step makes tensors; add one of {", ".join(BUNDLES)} in front of Collect.'
    keys = _collected(steps)
    if keys is not None and 'img' not in keys:
        yield f"Collect hands on {keys}; expected 'img', too."


def _collected(steps: Steps) -> list[Any] | None:
    """Keys that the last step hands on; None if that is no Collect."""
    keys = steps[-1].get('keys') if _types(steps)[-1:] == ['Collect'] else None
    return list(keys) if isinstance(keys, list | tuple) else None


def _types(steps: Steps) -> list[Any]:
    return [step.get('type') for step in steps]


def _all(steps: Steps) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _all(steps_of(step.get('transforms')))


def _is_ours(registry: Registry, cfg: Mapping[str, Any]) -> bool:
    component = registry.get(cfg.get('type'))
    return component is not None and component.__module__.startswith('mmseg.')
