"""Settings that may be meant, but hardly are; each is a warning at the start of a run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmseg.config.class_lists import class_doubts
from mmseg.config.sections import Placed, data_sets, heads_of, parts_of, steps_of
from mmseg.errors import DataError
from mmseg.uda.instance_bank.files import is_bank, read_bank


def doubts(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each such setting."""
    sets = list(data_sets(values.get('data')))
    return [
        *class_doubts(sets),
        *_mostly_padding(sets),
        *_rare_crops(values, sets),
        *_ignored_rows(values, sets),
        *_bank_without_classes(values),
    ]


def _crop_sizes(single: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(height, width) of the crops of a data set's pipeline."""
    sizes: list[Any] = [step.get('crop_size') for step in steps_of(single.get('pipeline'))]
    return [(size[0], size[1]) for size in sizes if _is_pair(size)]


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(edge, int) for edge in value)
    )


def _mostly_padding(sets: Sequence[Placed]) -> Iterator[str]:
    """Crops of which pictures that are resized into ``img_scale`` fill less than half."""
    seen = set()
    for place, single in sets:
        steps = steps_of(single.get('pipeline'))
        scales = [s['img_scale'] for s in steps if s.get('type') == 'Resize' and _is_pair(s.get('img_scale'))]
        enlarged = any(step.get('ratio_range') for step in steps)
        for height, width in _crop_sizes(single) if scales and not enlarged else ():
            long, short = max(scales[0]), min(scales[0])
            filled = min(long, max(height, width)) * min(short, min(height, width))
            if 2 * filled < height * width and (scales[0], height, width) not in seen:
                seen.add((scales[0], height, width))
                yield (
                    f'{place}: pictures are resized into {scales[0][0]} x {scales[0][1]} pixels (width x height) and '
                    f'fill less than half of crops of {height} x {width} (height x width); the rest is padding. Make '
                    'crop_size smaller or img_scale larger.'
                )


def _rare_crops(values: Mapping[str, Any], sets: Sequence[Placed]) -> Iterator[str]:
    """Rare class sampling that asks for more pixels of a class than a crop has."""
    data = values.get('data')
    train = data.get('train') if isinstance(data, Mapping) else None
    sampling = train.get('rare_class_sampling') if isinstance(train, Mapping) else None
    if not isinstance(sampling, Mapping):
        return
    pixels, ratio = sampling.get('min_pixels'), sampling.get('min_crop_ratio')
    crops = [
        size
        for place, single in sets
        if place.startswith('data.train.source')
        for size in _crop_sizes(single)
    ]
    if not crops or not isinstance(pixels, int | float) or not isinstance(ratio, int | float):
        return
    largest = max(height * width for height, width in crops)
    if pixels * ratio >= largest:
        yield (
            f'data.train.rare_class_sampling: crops should have more than {pixels * ratio:g} pixels of the drawn class '
            f'(min_pixels * min_crop_ratio), but a crop has {largest} pixels in all, so every crop is drawn eleven '
            'times in vain. Lower min_pixels.'
        )


def _bank_without_classes(values: Mapping[str, Any]) -> Iterator[str]:
    """A bank file (if it is there already) in which classes of the network have no row."""
    count = dict(heads_of(values.get('model'))).get('model.decode_head', {}).get('num_classes')
    for place, part in parts_of(values.get('uda')):
        file = part.get('bank_file')
        if not isinstance(count, int) or not isinstance(file, str | list | tuple) or not is_bank(file):
            continue
        try:
            present = set(read_bank(file)[1].tolist())
        except DataError:
            continue  # a contradiction, or told when it is used
        if absent := [str(i) for i in range(count) if i not in present]:
            yield (
                f'{place}.bank_file: {file} has no rows of class {", ".join(absent)}, which are compared with '
                'the features of other classes only. Build the bank again (tools/build_bank.py), unless these classes '
                'never occur.'
            )


def _ignored_rows(values: Mapping[str, Any], sets: Sequence[Placed]) -> list[str]:
    """Rows without pseudo-labels that cover the target crop."""
    uda = values.get('uda')
    if not isinstance(uda, Mapping):
        return []
    top, bottom = (uda.get(f'pseudo_weight_ignore_{side}') or 0 for side in ('top', 'bottom'))
    targets = [single for place, single in sets if place.startswith('data.train.target')]
    heights = [height for single in targets for height, _ in _crop_sizes(single)]
    rows = [top, bottom, *heights]
    if not heights or not all(isinstance(value, int) for value in rows) or top + bottom < min(heights):
        return []
    return [
        f'uda.pseudo_weight_ignore_top ({top}) and pseudo_weight_ignore_bottom ({bottom}) cover all {min(heights)} '
        'rows of the target crop: its pseudo-labels have no weight and nothing of the target is learned. Make them '
        'smaller.'
    ]
