"""docs/configuration.md holds what the declarations say, all of it."""

from pathlib import Path
from typing import Any

import pytest

from docs.making import keys, reference
from docs.making.components import rows
from docs.making.meanings import as_markdown, meanings
from mmseg.config import schema
from mmseg.config.translate import train_settings

PAGE = (Path(__file__).resolve().parents[1] / 'docs/configuration.md').read_text(encoding='utf-8')

OTHER = {
    'seed': 5, 'precision': 'bf16', 'batch_norm': 'local', 'load_from': 'a.pth', 'gradient_accumulation': 2,
    'compare_ranks': 3, 'nan_policy': 'skip', 'nan_limit': 4, 'resume_from': 'b.pth', 'name': 'x', 'log_level': 'ERROR',
    'auto_scale_lr': {'base_batch_size': 4}, 'optimizer_config.grad_clip': {'max_norm': 1.0}, 'runner.max_iters': 7,
    'checkpoint_config.interval': 3, 'checkpoint_config.max_keep_ckpts': 2, 'checkpoint_config.save_last': False,
    'evaluation.interval': 3, 'evaluation.metric': 'mDice', 'evaluation.save_best': 'auto', 'evaluation.rule': 'less',
    'evaluation.report': False, 'evaluation.teacher': True,
    'log_config.interval': 7, 'log_config.hooks': [{'type': 'TensorboardLoggerHook'}], 'log_config.img_interval': 5,
    'data.samples_per_gpu': 3, 'data.workers_per_gpu': 1, 'data.on_error': 'skip', 'data.max_error_share': 0.5,
    'data.timeout': 9.0,
}  # fmt: skip
"""A value that is not the default, of each key that is no switch, or one that is on."""


class Declared:
    """Something.

    Args:
        first, second: what both are, see :class:`Declared`
            | and ``more`` (docs/decisions.md#data).
        parts: of the arguments.

    Attributes:
        parts: of the object.

    Raises:
        Error: not an option.
    """


def test_the_page_is_what_the_declarations_say() -> None:
    assert reference.filled(PAGE) == PAGE, 'make docs writes the page'


def test_the_page_shows_every_table() -> None:
    assert set(reference.MARK.findall(PAGE)) == set(reference.reference())


def test_every_option_has_a_meaning() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith('| `')]
    assert len(lines) > 300
    assert not [line for line in lines if line.endswith(('|  |', '| . |'))]


def test_every_key_and_component_is_on_the_page() -> None:
    registered = {
        name
        for registry in (reference.MODELS, reference.PARTS, reference.DATASETS, reference.TRANSFORMS)
        for name in reference.components(registry)
    }
    titles = {name for line in PAGE.splitlines() if line.startswith('### ') for name in line[4:].split(', ')}
    assert registered - titles == set()
    shown = {line.split('`')[1] for line in PAGE.splitlines() if line.startswith('| `')}
    assert set(keys.plain_keys()) - {keys.DECLARED} - {'data.train.rare_class_sampling'} <= shown
    assert {f'{section}.{key}' for section, names in schema.SECTIONS.items() for key in names} <= shown


@pytest.mark.parametrize('key', keys.FIELDS)
def test_a_run_gets_from_a_key_what_the_page_says(key: str) -> None:
    values: dict[str, Any] = {'runner': {'max_iters': keys.STEPS}, 'uda': {'type': 'DACS'}}
    before = getattr(train_settings(values), keys.FIELDS[key])
    place, _, last = key.rpartition('.')
    (values.setdefault(place, {}) if place else values)[last] = OTHER.get(key, True)
    assert schema.VALUES[key][0](OTHER.get(key, True)) if key in schema.VALUES else key in (
        'auto_scale_lr', 'optimizer_config.grad_clip'
    )  # fmt: skip
    assert getattr(train_settings(values), keys.FIELDS[key]) != before


def test_meanings_are_read_from_docstrings() -> None:
    found = meanings(Declared)
    assert set(found) == {'first', 'second', 'parts'}
    assert found['parts'] == 'of the arguments.'
    assert as_markdown(found['second']) == (
        'What both are, see `Declared` \\| and `more` ([decisions](decisions.md#data)).'
    )


def test_rows_tell_value_default_and_need() -> None:
    shown = {row.name: row for row in rows(reference.PARTS.component('MaskedConsistency'))}
    assert shown['weight'].value == 'a number of at least 0'
    assert shown['weight'].default == '`0`'
    assert shown['mode'].default == 'needed'
    assert all(row.meaning for row in shown.values())
