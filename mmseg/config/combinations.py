"""Parts of a configuration that need one another, or exclude one another."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmseg.config.sections import data_components, data_sets, names_of, steps_of, value_at
from mmseg.option_types import fits
from mmseg.registry import DATASETS


def combination_problems(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each combination that cannot work."""
    return [
        *_window_problems(values),
        *_method_problems(values),
        *_role_problems(values),
        *_mixing_problems(values),
    ]


def _method_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Methods without the data that they need, and the other way round."""
    method, dataset = values.get('uda'), value_at(values, 'data.train')
    if values.get('compile') and value_at(values, 'uda.print_grad_magnitude'):
        yield (
            'compile: found True together with uda.print_grad_magnitude, whose backward passes a compiled network '
            'does not allow. Switch one of them off.'
        )
    if values.get('compile') and values.get('activation_checkpointing'):
        yield (
            'compile: found True together with activation_checkpointing; a compiled network decides by itself what it '
            'keeps. Switch one of them off.'
        )
    portions, images = values.get('gradient_accumulation', 1), value_at(values, 'data.samples_per_gpu')
    if fits(portions, int) and portions > 1 and values.get('compile'):
        yield (
            f'compile: found True together with gradient_accumulation={portions}, whose portions are not compiled. '
            'Switch one of them off.'
        )
    if fits(portions, int) and fits(images, int) and portions > images:
        yield (
            f'gradient_accumulation: found {portions}, but a step has {images} images to divide. Set '
            'data.samples_per_gpu to the whole batch; the encoder sees it in that many portions.'
        )
    if not isinstance(dataset, Mapping):
        return
    if not method and dataset.get('type') == 'UDADataset' and dataset.get('target') is not None:
        yield (
            'data.train: found UDADataset, but there is no uda, so its target would not be used. Add a method '
            "(base file '_base_/uda/...') or give one labelled data set."
        )
    if not isinstance(method, Mapping) or method.get('source_only'):
        return
    if 'source' in dataset and dataset.get('target') is None:
        yield (
            'data.train.target: missing; the method of uda needs pictures of the target. Without any set '
            'uda.source_only=True (type DACS), or leave uda out.'
        )
    elif 'type' in dataset and not {'source', 'target'} & set(dataset):
        yield (
            f'data.train: found {dataset["type"]}, expected a UDADataset with source and target, which the method '
            'of uda needs. Leave uda out to train on one data set.'
        )


def _role_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Data sets in places where they cannot do what they are for."""
    for place, component in data_components(values.get('data')):
        if place != 'data.train' and {'source', 'target'} & set(component):
            yield f'{place}: found a pair of source and target; expected a single data set, pairs are for data.train.'
        if place.startswith('data.train') and component.get('test_mode') is True:
            yield f'{place}.test_mode: found True, which leaves out the labels; leave test_mode out for training.'
    for place, single in data_sets(value_at(values, 'data.train'), 'data.train'):
        known = isinstance(single.get('type'), str) and DATASETS.get(single['type']) is not None
        if known and single.get('classes') is None and names_of(single) is None:
            yield f'{place}.classes: missing; expected a list of names, the first for id 0 of the label maps.'


def _mixing_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Source and target crops of different sizes, which DACS cannot mix."""
    if value_at(values, 'uda.type') != 'DACS' or value_at(values, 'uda.source_only'):
        return
    if value_at(values, 'data.train.sync_crop_size'):
        return
    sizes: dict[tuple[Any, ...], str] = {}
    for place, single in data_sets(value_at(values, 'data.train'), 'data.train'):
        for step in steps_of(single.get('pipeline')):
            if step.get('type') == 'Pad' and fits(step.get('size'), tuple[int, int]):
                sizes.setdefault(tuple(step['size']), place)
    if len(sizes) > 1:
        found = ' and '.join(f'{list(size)} in {place}' for size, place in sizes.items())
        yield (
            f'data.train: crops of different sizes cannot be mixed: found {found} (height, width). Give source and '
            'target the same crop_size (RandomCrop and Pad).'
        )


def _window_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Sliding windows without a size, or with gaps between them."""
    options = value_at(values, 'model.test_cfg')
    if isinstance(options, Mapping) and options.get('mode') == 'slide':
        for key in ('crop_size', 'stride'):
            if key not in options:
                yield f'model.test_cfg.{key}: missing; windows need (height, width).'
    size, stride = (value_at(values, f'model.test_cfg.{key}') for key in ('crop_size', 'stride'))
    if isinstance(size, list | tuple) and isinstance(stride, list | tuple) and len(size) == len(stride) == 2:
        pairs = [
            (s, c) for s, c in zip(stride, size, strict=True) if isinstance(s, int) and isinstance(c, int)
        ]
        if any(step > edge for step, edge in pairs):
            yield (
                f'model.test_cfg.stride: found {list(stride)} with crop_size {list(size)}; windows would leave gaps '
                'between them. Expected at most crop_size.'
            )
