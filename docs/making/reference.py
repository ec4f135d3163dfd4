"""The tables of docs/configuration.md: ``python -m docs.making.reference`` writes them from the declarations.

Those of docs/model-zoo.md and README.md, too (:mod:`docs.making.zoo`).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docs.making import zoo
from docs.making.components import Row, rows, sections, table
from docs.making.keys import plain_rows
from mmseg.config.library_types import LOG_HOOKS
from mmseg.config.schema import UNUSED, UNUSED_TOP_LEVEL
from mmseg.datasets.presets import PRESETS
from mmseg.fileio import atomic_write
from mmseg.models.backbones.low_rank import LowRankOptions
from mmseg.models.backbones.vit_adapter import AdapterOptions
from mmseg.models.conv import ACTIVATIONS, NORMS
from mmseg.models.heads.base import HeadOptions
from mmseg.models.heads.daformer_head import LAYERS
from mmseg.models.initialization import INITIALIZERS
from mmseg.registry import DATASETS, MODELS, PARTS, TRANSFORMS, Registry
from mmseg.toolbox.experiments.collection import markdown_table
from mmseg.toolbox.experiments.result_tables import replaced
from mmseg.uda.class_prior import ClassPrior, PriorOptions
from mmseg.uda.masking import GENERATORS
from mmseg.uda.options import AdaptationOptions
from mmseg.uda.published import KEYS, WHOLE

PAGE = Path(__file__).resolve().parents[1] / 'configuration.md'
MARK = re.compile(r'<!-- reference ([\w .-]+) -->')

TOPS = (
    'runner', 'data', 'optimizer', 'optimizer_config', 'lr_config', 'auto_scale_lr', 'checkpoint_config',
    'evaluation', 'log_config', 'model',
)  # fmt: skip

ROOMS = {
    'methods': 'mmseg.uda', 'segmentors': 'mmseg.models.segmentors', 'backbones': 'mmseg.models.backbones',
    'necks': 'mmseg.models.necks', 'heads': 'mmseg.models.heads', 'losses': 'mmseg.models.losses',
    'samplers': 'mmseg.models.samplers',
}  # fmt: skip
"""Part of the page -> where its components are."""

NAMED = {
    '`norm_cfg`': NORMS, '`act_cfg`': ACTIVATIONS, '`init_cfg`': ('Pretrained', *INITIALIZERS),
    '`embed_cfg`, `embed_neck_cfg`, `fusion_cfg`, `context_cfg`': LAYERS, '`log_config.hooks`': LOG_HOOKS,
}  # fmt: skip
"""Key -> names that its ``type`` may have."""


def components(registry: Registry) -> dict[str, Any]:
    """Everything of this package that is registered, by name."""
    registry.import_from_location()
    return {
        name: kind
        for name, kind in registry.module_dict.items()
        if str(getattr(kind, '__module__', '')).startswith('mmseg.')
    }


def reference() -> dict[str, str]:
    """All tables by the names of their marks."""
    rooms = {
        room: {
            name: kind
            for name, kind in components(MODELS).items()
            if f'{kind.__module__}.'.startswith(f'{place}.')
        }
        for room, place in ROOMS.items()
    }
    bases = {'heads': HeadOptions, 'methods': AdaptationOptions}
    return {
        'top level': table(plain_rows(None)),
        **{f'section {top}': table(plain_rows(top)) for top in TOPS},
        **{room: sections(kinds, bases.get(room)) for room, kinds in rooms.items()},
        'every head': table(rows(HeadOptions)),
        'every method': table(rows(AdaptationOptions)),
        'parts': sections(components(PARTS)),
        'published keys': _published(),
        'class prior': table(rows(PriorOptions, ClassPrior)),
        'mask generators': sections(GENERATORS),
        'low rank': table(rows(LowRankOptions)),
        'adapter': table(rows(AdapterOptions)),
        'data sets': sections(components(DATASETS)),
        'presets': sections(PRESETS),
        'transforms': sections(components(TRANSFORMS)),
        'names': markdown_table(
            ['`type` in', 'one of'], [[key, _listed(names)] for key, names in NAMED.items()]
        ),
        'unused': _unused(),
    }


def _published() -> str:
    """Keys of the published dialect that switch parts on and set their options."""
    cells = []
    for kind, keys in KEYS.items():
        options = {row.name: row for row in rows(PARTS.component(kind))}
        for key, option in keys.options.items():
            whole = Row(key, 'a dict', '`None`', 'All options of the part.')
            row = whole if option == WHOLE else options[option]
            meaning = 'all options, as a dict' if option == WHOLE else f'`{option}`'
            cells.append([f'`uda.{key}`', f'`{kind}`', meaning, row.value])
    return markdown_table(['key', 'part', 'option', 'value'], cells)


def _listed(names: Iterable[str]) -> str:
    return ', '.join(f'`{name}`' for name in names)


def _unused() -> str:
    top = [
        [
            'top level',
            _listed(sorted(UNUSED_TOP_LEVEL)) + ', and names that end in `_pipeline` or `_norm_cfg`',
        ]
    ]
    return markdown_table(
        ['section', 'keys'],
        [*top, *([f'`{place}`', _listed(sorted(keys))] for place, keys in UNUSED.items())],
    )


def filled(text: str) -> str:
    """The page with the tables of today.

    Raises:
        KeyError: it has a mark that nothing fills.
    """
    tables = reference()
    for name in MARK.findall(text):
        text = replaced(text, f'<!-- reference {name} -->', f'\n{tables[name]}\n', PAGE)
    return text


def main() -> None:
    """Write the pages."""
    for page, fill in ((PAGE, filled), (zoo.PAGE, zoo.filled), (zoo.FRONT_PAGE, zoo.front)):
        text = fill(page.read_text(encoding='utf-8'))
        with atomic_write(page) as temporary:
            Path(temporary).write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
