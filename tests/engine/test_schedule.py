"""Learning rates against the stored tables and by meaning."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.config.translate import LrSchedule
from mmseg.engine.schedule import lr_at
from mmseg.errors import ConfigError
from tests.shared import reference_path


def test_stored_tables() -> None:
    tables = json.loads(reference_path('uda/uda.json').read_text())['lr']
    checked = 0
    for name, case in tables.items():
        if not isinstance(case, dict):
            continue
        options = {
            key: case[key]
            for key in ('power', 'min_lr', 'warmup', 'warmup_iters', 'warmup_ratio')
            if key in case
        }
        options.setdefault('warmup', 'linear' if 'warmup_iters' in case else None)
        schedule = LrSchedule(policy='poly', **options)
        for i, expected in zip(case.get('iters', tables['iters']), case['lrs'], strict=True):
            got = [
                lr_at(schedule, i, case.get('max_iters', tables['max_iters']), base)
                for base in case['base_lrs']
            ]
            assert got == pytest.approx(expected, rel=1e-6), (name, i)
            checked += 1
    assert checked > 30


@given(st.integers(0, 999), st.floats(1e-6, 1.0))
def test_fixed_is_constant(iteration: int, base: float) -> None:
    assert lr_at(LrSchedule(policy='fixed'), iteration, 1000, base) == base


@given(st.integers(1, 998))
def test_poly_falls(iteration: int) -> None:
    schedule = LrSchedule(policy='poly', power=0.9)
    assert lr_at(schedule, iteration, 1000, 1.0) > lr_at(schedule, iteration + 1, 1000, 1.0)


@pytest.mark.parametrize(('warmup', 'first'), [('linear', 0.1), ('exp', 0.1), ('constant', 0.1)])
def test_warmups_start_at_their_ratio(warmup: str, first: float) -> None:
    schedule = LrSchedule(policy='fixed', warmup=warmup, warmup_iters=10, warmup_ratio=first)
    assert lr_at(schedule, 0, 100, 1.0) == pytest.approx(first)
    assert lr_at(schedule, 10, 100, 1.0) == 1.0


@pytest.mark.parametrize('schedule', [LrSchedule(policy='step'), LrSchedule(warmup='cosine', warmup_iters=5)])
def test_unknown_names(schedule: LrSchedule) -> None:
    with pytest.raises(ConfigError, match='expected'):
        lr_at(schedule, 0, 10, 1.0)
