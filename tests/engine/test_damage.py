"""Counting and naming of damaged samples."""

from pathlib import Path

import pytest

from mmseg.engine.damage import DamageHook
from mmseg.errors import DataError
from tests.engine.fakes import make_run


def test_named_once_counted_always(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run, hook = make_run(tmp_path, samples_per_gpu=4), DamageHook(0.1)
    for iteration, damaged in enumerate(([[], ['a: x', 'b: y']], [['a: x'], []], [[], []]), 1):
        run.trainable.iteration, run.damaged = iteration, damaged
        hook.after_iteration(run)
    hook.after_run(run)
    assert run.memory['damaged'] == {'samples': 3, 'texts': ['a: x', 'b: y']}
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split('far): ')[-1] for line in lines[:2]] == ['a: x', 'b: y']
    assert lines[2:] == ['3 of 12 samples were damaged and replaced; files: 2, named above']


@pytest.mark.parametrize(('share', 'iteration', 'count', 'stops'), [
    (0.0, 1, 1, True), (0.02, 1, 2, False), (0.02, 1, 3, True), (0.02, 100, 8, False), (0.02, 100, 9, True),
    (1.0, 1, 9, False),
])  # fmt: skip
def test_share(share: float, iteration: int, count: int, stops: bool, tmp_path: Path) -> None:
    run, hook = make_run(tmp_path, samples_per_gpu=4), DamageHook(share)
    run.trainable.iteration, run.damaged = iteration, [[f'{number}.png: x.'] for number in range(count)]
    if not stops:
        hook.after_iteration(run)
        return
    with pytest.raises(
        DataError, match=rf'{count} of {4 * iteration} .*max_error_share = {share:g}.*{count - 1}\.png'
    ):
        hook.after_iteration(run)


def test_nothing_to_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run, hook = make_run(tmp_path), DamageHook(0.1)
    hook.after_iteration(run)
    hook.after_run(run)
    assert not caplog.records
    assert not run.memory
