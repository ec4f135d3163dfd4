"""A step that was not finite is repeated, bit for bit, and the place where that begins is named."""

import json
import re
from pathlib import Path

import pytest

from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.loop import Run, run_loop
from mmseg.engine.state import restore
from mmseg.errors import DataError, TrainingError, UsageError
from mmseg.toolbox.replay import find_config, find_start, find_step, repeat
from tests.engine.injection import AT, LASTING, UNDONE, Injection, injected_run

PLACES = {
    'source pixel nan': ('layer', r'model\.backbone\.first\.0 \(Conv2d\)'),
    'gradient of the encoder': ('gradient', r'model\.backbone\.first\.0\.weight'),
    'gradient of the discriminator': ('gradient', r'model_D\.main\.conv1\.weight'),
    'discriminator': ('gradient', r'model_D\.main\.classifier\.'),
    'bf16': ('layer', r'model\.backbone\.first\.0 \(Conv2d\)'),
}


def stopped(run: Run) -> str:
    with pytest.raises(TrainingError) as error:
        run_loop(run)
    return str(error.value)


@pytest.mark.parametrize('name', UNDONE)
def test_the_same_term_stops_being_finite_again(name: str, tmp_path: Path) -> None:
    message = stopped(injected_run(tmp_path, UNDONE[name], checkpoint_interval=10))
    iteration, start = find_step(tmp_path)
    assert start is not None
    again = injected_run(tmp_path / 'again', UNDONE[name])
    restore(again, read_checkpoint(start), str(start))
    found = repeat(again, iteration)
    assert (found.iteration, found.start) == (AT, AT - 1)
    assert found.pictures[0] == f'source_{AT}.png'
    for term in re.findall(r'^(\S+) is', message):
        assert not abs(found.values.get(term, float('nan'))) < float('inf')
    if name in PLACES:
        place, expected = PLACES[name]
        assert re.match(expected, getattr(found, place) or '')
    assert found.before is None
    assert found.inputs == (
        ['img'] if name == 'source pixel nan' else ['target_img'] * name.startswith('target')
    )


def test_a_step_without_a_state_is_repeated_from_the_start(tmp_path: Path) -> None:
    injection = Injection('dacs', '', settings={'optimizer': {'type': 'SGD', 'lr': 1e39}})
    stopped(injected_run(tmp_path, injection))
    assert find_step(tmp_path) == (1, None)
    assert find_start(tmp_path, 1) is None
    found = repeat(injected_run(tmp_path, injection), 1)
    assert re.match('model', found.after or '')
    assert (found.before, found.layer, found.gradient) == (None, None, None)


def test_steps_in_between_are_those_of_the_run(tmp_path: Path) -> None:
    sound = Injection('daformer', '')
    run_loop(injected_run(tmp_path, sound, max_keep_ckpts=-1, log_interval=1))
    logged = json.loads((tmp_path / 'run.log.json').read_text().splitlines()[3])
    again = injected_run(tmp_path, sound)
    restore(again, read_checkpoint(tmp_path / 'iter_1.pth'), '')
    found = repeat(again, 4)
    assert (found.start, found.before, found.layer, found.gradient, found.after) == (
        1,
        None,
        None,
        None,
        None,
    )
    assert {name: round(value, 5) for name, value in found.values.items()}.items() <= logged.items()


def test_a_state_that_is_not_finite_is_named(tmp_path: Path) -> None:
    run = injected_run(tmp_path, Injection('dacs', ''))
    LASTING['weight'].after(run)
    found = repeat(run, 2)
    assert found.before == 'model.backbone.first.0.weight'


def test_what_is_found_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='no step of this run'):
        find_step(tmp_path)
    with pytest.raises(UsageError, match='found none'):
        find_config(tmp_path)
    for name in (
        'run.log.json',
        'result_student.json',
        'mine.json',
        'iter_4.pth',
        'iter_10.pth',
        'iter_x.pth',
    ):
        (tmp_path / name).touch()
    (tmp_path / 'nonfinite_iter_7.json').write_text(json.dumps({'iteration': 7, 'state': 'other.pth'}))
    assert find_config(tmp_path).name == 'mine.json'
    assert find_step(tmp_path) == (7, tmp_path / 'other.pth')
    assert find_start(tmp_path, 10) == tmp_path / 'iter_4.pth'
    assert find_start(tmp_path, 11) == tmp_path / 'iter_10.pth'
    assert find_start(tmp_path, 4) is None
    (tmp_path / 'other.py').touch()
    with pytest.raises(UsageError, match='mine.json, other.py'):
        find_config(tmp_path)
    (tmp_path / 'nonfinite_iter_7.json').write_text(json.dumps({'iteration': 7, 'state': '../other.pth'}))
    with pytest.raises(DataError, match='leads out of the folder'):
        find_step(tmp_path)
