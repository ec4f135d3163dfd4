"""Facts that a configuration holds in two places: taken from one, or compared before anything is built.

The data sets say what the classes are; :func:`settle` takes the ignored id from them, :func:`contradictions` compares
the rest. What is odd but may be meant is in :func:`doubts`.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets.classes import class_names
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.presets import expand_pipeline, is_preset
from mmseg.datasets.steps import reduction_problem
from mmseg.errors import UserError
from mmseg.evaluation.metrics import METRICS, score_names
from mmseg.registry import DATASETS

INNER = ('source', 'target', 'dataset', 'datasets')
"""Options that hold data sets."""

IGNORED_ID = {'ignore_index': 'label without loss', 'seg_pad_val': 'label of padded pixels'}
"""Options that repeat which id does not count."""


def settle(values: MutableMapping[str, Any]) -> None:
    """Write 255, the ignored id behind the table, wherever the one of the training data is repeated, in place."""
    ids = [single.get('ignore_index', IGNORED) for _, single in data_sets(_training(values), 'data.train')]
    for _, section in _ignoring(values):
        for key in IGNORED_ID:
            if key in section and section[key] in ids:
                section[key] = IGNORED


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each fact that two places state differently."""
    found = []
    sets = list(data_sets(values.get('data')))
    heads = list(_heads(values.get('model')))
    for place, single in sets:
        found += _palette_problems(place, single)
        steps = _steps(single.get('pipeline'))
        if problem := reduction_problem(steps, bool(single.get('reduce_zero_label', False))):
            found.append(f'{place}: {problem}.')
    for place, head in heads:
        found += [*_count_problems(place, head, sets), *_head_problems(place, head)]
    for place, section in _ignoring(values):
        found += [
            f'{place}.{key}: found {section[key]!r} as {meaning}, but label maps have {IGNORED} where a pixel does not '
            f'count (ids that a data set ignores become {IGNORED}, see ignore_index there). Leave {key} out.'
            for key, meaning in IGNORED_ID.items()
            if section.get(key, IGNORED) != IGNORED
        ]
    return [*found, *_id_problems(values, heads), *_score_problems(values, sets)]


def doubts(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each setting that makes a part of the training useless."""
    uda, train = values.get('uda'), _training(values)
    if not isinstance(uda, Mapping) or not isinstance(train, Mapping):
        return []
    top, bottom = (uda.get(f'pseudo_weight_ignore_{side}') or 0 for side in ('top', 'bottom'))
    heights = [
        step['crop_size'][0]
        for _, single in data_sets(train.get('target'), 'target')
        for step in _steps(single.get('pipeline'))
        if isinstance(step.get('crop_size'), list | tuple)
    ]
    rows = [top, bottom, *heights]
    if not heights or not all(isinstance(value, int) for value in rows) or top + bottom < min(heights):
        return []
    return [
        f'uda.pseudo_weight_ignore_top ({top}) and pseudo_weight_ignore_bottom ({bottom}) cover all {min(heights)} '
        'rows of the target crop: its pseudo-labels have no weight and nothing of the target is learned. Make them '
        'smaller.'
    ]


def _training(values: Mapping[str, Any]) -> Any:
    data = values.get('data')
    return data.get('train') if isinstance(data, Mapping) else None


def data_sets(cfg: Any, place: str = 'data') -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and dict of every single data set in ``data``, or in one of its entries."""
    if isinstance(cfg, list | tuple):
        for number, part in enumerate(cfg):
            yield from data_sets(part, f'{place}.{number}')
    elif isinstance(cfg, Mapping):
        keys = ('train', 'val', 'test') if place == 'data' else INNER
        inner = [key for key in keys if key in cfg]
        for key in inner:
            yield from data_sets(cfg[key], f'{place}.{key}')
        if not inner and 'type' in cfg:
            yield place, cfg  # type: ignore[misc]


def names_of(single: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Class names of a data set; None if they cannot be told."""
    classes = single.get('classes')
    if classes is None:
        kind = DATASETS.get(single['type']) if isinstance(single['type'], str) else None
        return getattr(kind, 'CLASSES', None)
    if isinstance(classes, str) and not Path(classes).is_file():
        return None
    try:
        return class_names(classes)
    except (UserError, TypeError):
        return None


def _palette_problems(place: str, single: Mapping[str, Any]) -> list[str]:
    names, palette = names_of(single), single.get('palette')
    if names is None or not isinstance(palette, list | tuple) or len(palette) == len(names):
        return []
    return [f'{place}.palette: found {len(palette)} colours for {len(names)} classes; expected one for each.']


def _count_problems(
    place: str, head: Mapping[str, Any], sets: Sequence[tuple[str, dict[str, Any]]]
) -> list[str]:
    """Another number of classes in a head than in data sets, one sentence for each list of classes."""
    count = head.get('num_classes')
    differing: dict[tuple[str, ...], list[str]] = {}
    for where, single in sets:
        names = names_of(single)
        if names is not None and isinstance(count, int) and len(names) != count:
            differing.setdefault(tuple(names), []).append(where)
    return [
        f'{place}.num_classes: found {count}, but {", ".join(places)}: {len(names)} classes '
        f'({", ".join(names[:4])}{", ..." if len(names) > 4 else ""}). Make them equal.'
        for names, places in differing.items()
    ]


def _head_problems(place: str, head: Mapping[str, Any]) -> list[str]:
    count = head.get('num_classes')
    losses = head.get('loss_decode')
    weights = [
        loss['class_weight']
        for loss in (losses if isinstance(losses, list | tuple) else [losses])
        if isinstance(loss, Mapping) and isinstance(loss.get('class_weight'), list | tuple)
    ]
    found = [
        f'{place}.loss_decode.class_weight: found {len(weight)} weights for {count} classes; expected one for each.'
        for weight in weights
        if isinstance(count, int) and len(weight) != count
    ]
    if count == 1:
        found.append(
            f'{place}.num_classes: found 1; the softmax of one class is always 1 and nothing is learned. Expected at '
            'least 2: name the background, too.'
        )
    return found


def _id_problems(values: Mapping[str, Any], heads: list[tuple[str, Any]]) -> list[str]:
    """Lists of class ids beyond the classes."""
    count = next((head.get('num_classes') for place, head in heads if 'decode_head' in place), None)
    uda = values.get('uda')
    if not isinstance(count, int) or not isinstance(uda, Mapping):
        return []
    bank = uda.get('instance_bank')
    lists = {
        'uda.imnet_feature_dist_classes': uda.get('imnet_feature_dist_classes'),
        'uda.instance_bank.classes': bank.get('classes') if isinstance(bank, Mapping) else None,
    }
    found = []
    for place, ids in lists.items():
        if isinstance(ids, list | tuple) and any(not isinstance(i, int) or not 0 <= i < count for i in ids):
            found.append(
                f'{place}: found {list(ids)}; expected ids of the {count} classes, 0 to {count - 1} (the published '
                'lists are ids of Cityscapes).'
            )
    return found


def _score_problems(values: Mapping[str, Any], sets: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Metrics and the score of the best checkpoint that no evaluation gives."""
    evaluation = values.get('evaluation')
    if not isinstance(evaluation, Mapping):
        return []
    metric = evaluation.get('metric', 'mIoU')
    metrics = [metric] if isinstance(metric, str) else metric
    if not isinstance(metrics, list | tuple) or any(name not in METRICS for name in metrics):
        return []  # the check of the value tells
    best = evaluation.get('save_best')
    single = next((single for place, single in sets if place.startswith('data.val')), None)
    names = names_of(single) if single else None
    if best in (None, True, False, 'auto') or names is None:
        return []
    merge = single.get('class_merge') if single else None
    names = tuple(merge.get('names') or names) if isinstance(merge, Mapping) else names
    known = score_names(metrics, names)
    if best in known or best in names:
        return []
    return [
        f"evaluation.save_best: found {best!r}; expected 'auto', a class name, or one of {', '.join(known[:8])}, ..."
    ]


def _heads(model: Any) -> Iterator[tuple[str, Any]]:
    """Place and dict of every head."""
    for slot in ('decode_head', 'auxiliary_head'):
        heads = model.get(slot) if isinstance(model, Mapping) else None
        if isinstance(heads, Mapping):
            yield f'model.{slot}', heads
        for number, head in enumerate(heads if isinstance(heads, list | tuple) else ()):
            if isinstance(head, Mapping):
                yield f'model.{slot}.{number}', head


def _ignoring(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Place and dict of everything that is told which id does not count, behind the table."""
    yield from _heads(values.get('model'))
    for place, single in data_sets(values.get('data')):
        pipeline = single.get('pipeline')
        for number, step in enumerate(pipeline if isinstance(pipeline, list | tuple) else ()):
            if isinstance(step, Mapping):
                yield f'{place}.pipeline.{number}', step


def _steps(pipeline: Any) -> list[dict[str, Any]]:
    """The steps of a pipeline that is right; else none, since others report what is wrong."""
    try:
        steps = expand_pipeline(pipeline) if is_preset(pipeline) else pipeline
    except UserError:
        return []
    return [dict(s) for s in steps if isinstance(s, Mapping)] if isinstance(steps, list | tuple) else []
