"""Which runs make a table, what they need and cost."""

from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.errors import UsageError
from mmseg.toolbox.experiments import reproduction
from mmseg.toolbox.experiments.outcomes import setting_of
from mmseg.toolbox.experiments.reproduction import (
    PAPERS,
    Part,
    bytes_of_run,
    collected,
    estimate,
    experiment_words,
    parts_of,
    problems,
    seconds_of_a_step,
    tables_of,
)
from tests.integration.tiny import tiny_config
from tests.toolbox.experiments.runs import write_run


def test_tables_of_the_papers() -> None:
    assert parts_of('hrda', '1') == (Part('40'),)
    assert parts_of('hrda', 'S1') == parts_of('hrda', '5') == (Part('44'),)
    assert parts_of('hrda', 'figure-4') == (Part('42'), Part('43'))
    assert [part.experiment for part in parts_of('daformer', '6')] == ['6', 'daformer-7']
    assert parts_of('dida', '1') == (Part('7'), Part('8'))
    assert 'mic' in PAPERS
    assert len(tables_of('mic')) == 6
    for paper in PAPERS:
        for name, parts in tables_of(paper).items():
            assert all(part.configs() for part in parts), (paper, name)


def test_the_own_table_has_each_method_once() -> None:
    names = [
        setting_of(cfg['name'], cfg['seed'])
        for part in parts_of('procstreet', 'methods')
        for cfg in part.configs()
    ]
    methods = [
        name.removeprefix('procstreet2camvid_').split('_efficient')[0] for name in dict.fromkeys(names)
    ]
    assert methods == [
        'source_only',
        'daformer',
        'hrda',
        'dida',
        'dida_clean',
        'hrda_dida',
        'dacs',
        'target_only',
    ]
    assert len(names) == 20
    assert experiment_words(parts_of('procstreet', 'methods')[2])[:3] == ['--exp', '200', '--only']


@pytest.mark.parametrize(
    ('paper', 'table', 'message'),
    [
        ('dafromer', '1', "'dafromer'; expected one of daformer"),
        ('daformer', '99', 'daformer has no table .99.*expected one of 1, 2'),
    ],
)
def test_tables_that_are_not_there(paper: str, table: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parts_of(paper, table)


def test_missing_data_and_weights_are_told_once(workspace: Path) -> None:
    found = problems(parts_of('dida', '7'))
    assert len([text for text in found if 'data/gta' in text]) == 1
    assert len([text for text in found if 'pretrained/mit_b5.pth does not exist' in text]) == 1


def test_hours_follow_passes_and_what_goes_on_at_the_same_time(workspace: Path) -> None:
    cost = estimate((Part('7'), Part('8')), workspace / 'work_dirs')
    assert cost.each == ((1, pytest.approx(16.0)), (1, pytest.approx(16.0)))
    assert (cost.runs, cost.hours, cost.with_several(4)) == (2, pytest.approx(32.0), pytest.approx(32.0))
    assert 'one RTX 2080 Ti' in cost.basis
    assert cost.free > 0
    adapted = load_config(Part('81').configs()[-1], check=False)
    assert seconds_of_a_step(adapted, 'MIC')[0] == pytest.approx(1.44 * 10.3 / 7.3)
    (source_only,) = {
        seconds_of_a_step(load_config(cfg), 'Real pictures')[0] for cfg in Part('201').configs()[:1]
    }
    assert source_only == 0.3


def test_disk_is_that_of_real_checkpoints(tmp_path: Path) -> None:
    """Of a network with a teacher and a frozen encoder."""
    from mmseg.config.translate import train_settings
    from mmseg.engine.build import build_trainable
    from mmseg.engine.checkpoint import write_checkpoint
    from mmseg.engine.optimizer import build_optimizer, optimizer_state

    cfg = load_config(tiny_config(tmp_path))
    settings = train_settings(cfg)
    trainable = build_trainable(settings, initialise=False)
    stored = trainable.stored()
    optimizer = build_optimizer(
        stored, settings.optimizer, settings.precision, settings.grad_clip, settings.nan_policy
    )
    for parameter in stored.parameters():
        parameter.grad = parameter.detach() if parameter.requires_grad else None
    optimizer.optimizer.step()
    contents = {'state_dict': stored.state_dict(), 'optimizer': optimizer_state(optimizer, stored)}
    write_checkpoint(tmp_path / 'one.pth', contents)
    two = 2 * (tmp_path / 'one.pth').stat().st_size
    assert bytes_of_run(cfg) == pytest.approx(two, rel=0.05)


def test_what_there_is_of_a_table(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of other settings of the same experiment do not belong to it."""
    assert collected(parts_of('procstreet', 'methods')) == ([], [])
    for method in ('dacs', 'source_only'):
        name = f'procstreet2camvid_{method}_efficientnet-lite0'
        folder = workspace / f'work_dirs/local-exp200/260101_0000_{name}_s0_0abcd'
        write_run(folder, name=name, validated={'road': 40.0})
    outcomes, left = collected(parts_of('procstreet', 'methods'))
    assert [run.setting for run in outcomes] == ['procstreet2camvid_dacs_efficientnet-lite0']
    assert not left


def test_weights_are_found_wherever_they_are_named() -> None:
    values: dict[str, Any] = {
        'model': {'pretrained': 'a'},
        'uda': {'parts': [{'init_cfg': {'checkpoint': 'b'}}]},
    }
    assert list(reproduction._weights(values)) == ['a', 'b']
