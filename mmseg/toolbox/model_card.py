"""What a published weight file says about itself to people (a model card) and to programs (a metafile).

Only what is recorded is told; everything else is 'not recorded', and scores that nobody has measured are 'not run'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from mmseg.arguments import as_called
from mmseg.config.literals import written_values
from mmseg.config.sections import value_at
from mmseg.engine.announce import named_data

UNKNOWN = 'not recorded'
NOT_RUN = 'not run'
UNKNOWN_ENCODER = 'an unknown encoder'
"""What the tensors of a network tell of most encoders."""
NO_LICENCE = (
    'not stated. Whoever shares the weights states it: it depends on the pictures and on the weights that the run '
    'started from, and is not that of the code (Apache-2.0)'
)
USE = (
    'Research on semantic segmentation across domains: pictures like those of the target, in the classes below. '
    'Compare it with other methods, or start from it.'
)
LIMITS = (
    'The network knows these classes only and names one of them for every pixel, whatever the picture shows. It '
    'learned from one source and one target; under another camera, place, season, weather or light expect it to be '
    'worse, and score it on labelled pictures of your own first. A mean hides rare classes: look at each. It has not '
    'been examined for use where errors harm people, such as driving.'
)


@dataclass(frozen=True)
class Published:
    """What is known of a weight file.

    Attributes:
        file: its name, hash included.
        sha256: of its content, in hexadecimal digits.
        size: bytes.
        architecture: encoder and head in words, '' if they are unknown.
        parameters: numbers in its tensors, statistics of norms included.
        facts: what it says about itself: ``config`` (text), ``iter``, ``seed``, ``mmseg_version``, ``CLASSES``,
            ``scores``, ``network``; each may be missing.
        config: name of the configuration beside it, '' if there is none.
        licence: as the publisher states it, or ''.
    """

    file: str
    sha256: str
    size: int
    architecture: str
    parameters: int
    facts: Mapping[str, Any]
    config: str = ''
    licence: str = ''

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.rpartition('.')[0]

    @property
    def values(self) -> dict[str, Any]:
        """What its configuration sets, as far as that can be read without running it."""
        return written_values(str(self.facts.get('config', '')))[0]

    @property
    def whole(self) -> bool:
        """Whether that is all of it: what is not among the values has its default."""
        return written_values(str(self.facts.get('config', '')))[1]

    @property
    def network(self) -> str:
        """Encoder and head in words; an encoder that its tensors do not tell is named as its configuration does."""
        backbone = [value_at(self.values, f'model.backbone.{key}') for key in ('type', 'model_name')]
        named = ' '.join(name for name in backbone if isinstance(name, str))
        return (
            self.architecture.replace(UNKNOWN_ENCODER, named or UNKNOWN_ENCODER).replace('\n', ' ') or UNKNOWN
        )


def metafile(model: Published) -> str:
    """YAML in the layout of OpenMMLab's model index, for one model."""
    entry = {
        'Name': model.name,
        'Metadata': {
            'Architecture': model.network,
            'Training Data': _data(model.values) or UNKNOWN,
            'Training Techniques': _method(model) or UNKNOWN,
            'Training Command': command(model) or UNKNOWN,
            'Started From': _start(model) or UNKNOWN,
            'Iterations': model.facts.get('iter', UNKNOWN),
            'Batch Size': _batch(model.values) or UNKNOWN,
            'Seed': model.facts.get('seed', UNKNOWN),
            'Parameters': model.parameters,
            'Network': model.facts.get('network', UNKNOWN),
            'Classes': list(model.facts.get('CLASSES') or ()) or UNKNOWN,
        },
        'Code': {'Name': 'mmseg-uda', **dict(zip(('Version', 'Commit'), _code(model), strict=True))},
        'Config': model.config or _inside(model),
        'Results': [
            {
                'Task': 'Semantic Segmentation',
                'Dataset': _scored_on(model.values) or UNKNOWN,
                'Metrics': _metrics(model) or NOT_RUN,
            }
        ],
        'Weights': model.file,
        'SHA256': model.sha256,
        'Licence': model.licence or NO_LICENCE,
        'Intended Use': USE,
        'Limits': LIMITS,
    }
    return str(yaml.safe_dump({'Models': [entry]}, sort_keys=False, allow_unicode=True, width=110))


def card(model: Published) -> str:
    """Markdown for people: one page that names data, method, command, scores, use, limits and licence."""
    version, commit = _code(model)
    config = f'[{model.config}]({model.config})' if model.config else _inside(model)
    rows = {
        'weights': f'[{model.file}]({model.file}), {model.size / 1e6:.1f} MB, {model.parameters / 1e6:.2f} M numbers',
        'sha256': f'`{model.sha256}`',
        'network': f'{model.network}, {model.facts.get("network", UNKNOWN)} of its run',
        'method': _method(model) or UNKNOWN,
        'training data': _data(model.values) or UNKNOWN,
        'started from': _start(model) or UNKNOWN,
        'length': f'{model.facts.get("iter", UNKNOWN)} iterations, batch {_batch(model.values) or UNKNOWN}, '
        f'seed {model.facts.get("seed", UNKNOWN)}',
        'configuration': config,
        'code': f'mmseg-uda {version}, commit {commit}',
    }
    use = as_called(f'python demo/image_demo.py PICTURE {model.config or "CONFIG"} {model.file}')
    classes = ', '.join(map(str, model.facts.get('CLASSES') or ())) or UNKNOWN
    parts = [
        f'# {model.name}\n\nA network for semantic segmentation, trained with mmseg-uda. [{model.name}.yml]'
        f'({model.name}.yml) says the same for programs.',
        '| | |\n|---|---|\n' + '\n'.join(f'| {name} | {_cell(value)} |' for name, value in rows.items()),
        f'## Scores\n\n{_scores(model)}',
        f'## Training command\n\n{_training(model)}',
        f'## Use\n\n```\n{use}\n```',
        f'## Intended use\n\n{USE}\n\nClasses: {_cell(classes)}.',
        f'## Limits\n\n{LIMITS}',
        f'## Licence of the weights\n\n{(model.licence or NO_LICENCE).rstrip(".")}.',
    ]
    return '\n\n'.join(parts) + '\n'


def command(model: Published) -> str:
    """The command that trains it again; '' without a configuration."""
    if not model.config:
        return ''
    return as_called(f'python tools/train.py {model.config} --work-dir work_dirs/{model.name}')


def _training(model: Published) -> str:
    """The section of the card about the command."""
    if not model.config:
        return UNKNOWN
    return (
        f'```\n{command(model)}\n```\n\nMade from the configuration that the weights carry; paths of data are those of '
        'the machine it ran on.'
    )


def _inside(model: Published) -> str:
    """Where a configuration is that does not lie beside the weights."""
    return 'inside the weight file' if model.facts.get('config') else UNKNOWN


def _cell(text: object) -> str:
    """A text as a cell of a table: what files say may hold bars, lines and the beginnings of HTML."""
    return str(text).replace('|', '\\|').replace('\n', ' ').replace('<', '&lt;')


def _code(model: Published) -> tuple[str, str]:
    version, _, commit = str(model.facts.get('mmseg_version', UNKNOWN)).partition('+')
    return version, commit or UNKNOWN


def _data(values: Mapping[str, Any]) -> str:
    return named_data(value_at(values, 'data.train'))


def _scored_on(values: Mapping[str, Any]) -> str:
    return named_data(value_at(values, 'data.test') or value_at(values, 'data.val'))


def _method(model: Published) -> str:
    supervised = 'supervised' if model.values and model.whole else ''
    return str(value_at(model.values, 'uda.type') or supervised)


def _start(model: Published) -> str:
    """Weights that the run began with."""
    places = ('load_from', 'model.pretrained', 'model.backbone.pretrained')
    named = (value_at(model.values, place) for place in places)
    drawn = 'drawn weights' if model.values.get('model') and model.whole else ''
    return next((str(name) for name in named if name), drawn)


def _batch(values: Mapping[str, Any]) -> str:
    return str(value_at(values, 'data.samples_per_gpu') or '')


def _metrics(model: Published) -> dict[str, Any]:
    """mIoU and IoU by class in percent, as they were recorded."""
    miou, classes = (value_at(model.facts, f'scores.{name}') for name in ('mIoU', 'class_iou'))
    return (
        {} if miou is None else {'mIoU': miou, 'IoU': dict(classes) if isinstance(classes, Mapping) else {}}
    )


def _scores(model: Published) -> str:
    metrics = _metrics(model)
    if not metrics:
        return as_called(
            f'{NOT_RUN}: no scores were recorded beside the checkpoint (`tools/test.py --eval mIoU` records them).'
        )
    rows: Sequence[tuple[str, Any]] = [('mIoU', metrics['mIoU']), *metrics['IoU'].items()]
    lines = '\n'.join(f'| {_cell(name)} | {value} |' for name, value in rows)
    where = _scored_on(model.values) or UNKNOWN
    told = as_called('IoU in percent as `tools/test.py` recorded it')
    return f'{told}; data: {where}.\n\n| class | IoU |\n|---|---:|\n{lines}'
