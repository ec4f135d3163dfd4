"""Facts that a configuration holds in two places: taken from one, or compared before anything is built.

The data sets say what the classes are; :func:`settle` takes the ignored id from them, :func:`contradictions` compares
the rest. What is odd but may be meant is in :mod:`mmseg.config.doubts`.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from mmseg.config.class_lists import class_problems
from mmseg.config.sections import Placed, data_sets, heads_of, names_of, parts_of, steps_of, value_at
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.steps import reduction_problem
from mmseg.errors import DataError
from mmseg.evaluation.metrics import METRICS, TEACHER, score_names
from mmseg.uda.instance_bank.files import is_bank, read_bank

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
    heads = list(heads_of(values.get('model')))
    for place, single in sets:
        steps = steps_of(single.get('pipeline'))
        if problem := reduction_problem(steps, bool(single.get('reduce_zero_label', False))):
            found.append(f'{place}: {problem}.')
    for place, head in heads:
        found += [*_count_problems(place, head, sets), *_head_problems(place, head)]
    found += _silent_heads(values)
    for place, section in _ignoring(values):
        found += [
            f'{place}.{key}: found {section[key]!r} as {meaning}, but label maps have {IGNORED} where a pixel does not '
            f'count (ids that a data set ignores become {IGNORED}, see ignore_index there). Leave {key} out.'
            for key, meaning in IGNORED_ID.items()
            if section.get(key, IGNORED) != IGNORED
        ]
    return [*found, *class_problems(sets), *_id_problems(values, heads), *_score_problems(values, sets)]


def _silent_heads(values: Mapping[str, Any]) -> list[str]:
    """Heads that do not say that they ignore the id which the training data ignore.

    The id of a data set alone has meant two things: that it is not learned, or (in mmsegmentation) that it is learned
    and left out of the scores.
    """
    own = {
        place: single['ignore_index']
        for place, single in data_sets(_training(values), 'data.train')
        if single.get('ignore_index', IGNORED) in range(IGNORED)
    }
    return [
        f'{data}.ignore_index is {id_}, but {head}.ignore_index is not given, so that it is not clear whether {id_} is '
        f'learned. Write {head}.ignore_index={id_!r}, too: it then counts neither in the loss nor in the scores.'
        for data, id_ in list(own.items())[:1]
        for head, section in heads_of(values.get('model'))
        if 'ignore_index' not in section
    ]


def _training(values: Mapping[str, Any]) -> Any:
    data = values.get('data')
    return data.get('train') if isinstance(data, Mapping) else None


def _count_problems(place: str, head: Mapping[str, Any], sets: Sequence[Placed]) -> list[str]:
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
    places = dict(parts_of(uda))
    lists = {f'{place}.classes': part.get('classes') for place, part in places.items()}
    lists['uda.imnet_feature_dist_classes'] = uda.get('imnet_feature_dist_classes')
    prior = value_at(uda, 'class_prior.shares')
    lists['uda.class_prior.shares'] = [*map(_as_id, prior)] if isinstance(prior, Mapping) else None
    found = []
    for place, ids in lists.items():
        wrong = isinstance(ids, list | tuple) and any(
            not isinstance(i, int) or not 0 <= i < count for i in ids
        )
        if isinstance(ids, list | tuple) and (wrong or not ids):
            found.append(
                f'{place}: found {list(ids)}; expected ids of the {count} classes, 0 to {count - 1} (the published '
                'lists are ids of Cityscapes).'
            )
    return [*found, *(text for place, part in places.items() for text in _bank_problems(place, part, count))]


def _as_id(key: Any) -> Any:
    """Keys of a JSON file are texts."""
    return int(key) if isinstance(key, str) and key.isdecimal() else key


def _bank_problems(place: str, bank: Mapping[str, Any], count: int) -> list[str]:
    """A bank file (if it is there already) with other classes than the network."""
    file = bank.get('bank_file')
    if not isinstance(file, str | list | tuple) or not is_bank(file):
        return []
    try:
        read_bank(file, count)
    except DataError as error:
        return [f'{place}.bank_file: {error} The network has {count} classes.']
    return []


def _score_problems(values: Mapping[str, Any], sets: Sequence[Placed]) -> list[str]:
    """Metrics and the score of the best checkpoint that no evaluation gives."""
    evaluation = values.get('evaluation')
    if not isinstance(evaluation, Mapping):
        return []
    metric = evaluation.get('metric', 'mIoU')
    metrics = [metric] if isinstance(metric, str) else metric
    if not isinstance(metrics, list | tuple) or any(name not in tuple(METRICS) for name in metrics):
        return []  # the check of the value tells
    best = evaluation.get('save_best')
    single = next((single for place, single in sets if place.startswith('data.val')), None)
    names = names_of(single) if single else None
    if best in (None, True, False, 'auto') or names is None:
        return []
    merge = single.get('class_merge') if single else None
    names = tuple(merge.get('names') or names) if isinstance(merge, Mapping) else names
    known = score_names(metrics, names)
    if evaluation.get('teacher'):
        known += [TEACHER + name for name in known]
    if best in known or best in names:
        return []
    return [
        f"evaluation.save_best: found {best!r}; expected 'auto', a class name, or one of {', '.join(known[:8])}, ..."
    ]


def _ignoring(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Place and dict of everything that is told which id does not count, behind the table."""
    yield from heads_of(values.get('model'))
    for place, single in data_sets(values.get('data')):
        pipeline = single.get('pipeline')
        for number, step in enumerate(pipeline if isinstance(pipeline, list | tuple) else ()):
            if isinstance(step, Mapping):
                yield f'{place}.pipeline.{number}', step
