"""The cases of this repository: of every family, small, and equal to those of the whole set."""

import fnmatch
import json
from pathlib import Path

import numpy as np
import pytest

from tests.parity import subset
from tests.parity.__main__ import load_families, main
from tests.parity.core import CASES, FAMILIES
from tests.shared import shared_path

LARGEST = 1_500_000


def stored() -> dict[str, Path]:
    """Files by their path below the folder of cases, without the description."""
    files = (path for path in CASES.rglob('*') if path.is_file() and path.name != 'README.md')
    return {path.relative_to(CASES).as_posix(): path for path in files}


def test_every_family_has_a_case() -> None:
    load_families()
    names = [path.relative_to(CASES).as_posix() for path in CASES.rglob('*')]
    empty = [f.pattern for f in FAMILIES if not fnmatch.filter(names, f.pattern)]
    assert not empty
    assert len(FAMILIES) > 10


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in CASES.rglob('*') if path.is_file()) <= LARGEST


def test_archives_hold_plain_arrays() -> None:
    archives = [path for name, path in stored().items() if name.endswith('.npz')]
    for path in archives:
        with np.load(path, allow_pickle=False) as archive:
            assert all(archive[key].dtype.kind in 'biuf' for key in archive), path
    assert len(archives) > 20


def test_files_are_those_of_the_whole_set() -> None:
    whole, files = shared_path('golden'), stored()
    for name, content in subset.select(whole):
        found = files.pop(name)
        if not name.endswith('.npz') or isinstance(content, bytes):
            assert found.read_bytes() == subset.encoded(content), name
            continue
        with np.load(found) as archive:
            arrays = dict(archive)
        assert sorted(arrays) == sorted(content), name
        for key, values in content.items():
            np.testing.assert_array_equal(arrays[key], values, f'{name} {key}', strict=True)
    assert not files, 'files that the whole set does not have'


def test_near_ties_are_kept_and_nothing_else() -> None:
    margins = np.array([0.0, 9e-4, 1e-3, 2e-3, 0.9], np.float16)
    kept = subset._near_ties('it0_pseudo_margin', margins)
    assert (kept <= 1e-3).tolist() == (margins <= 1e-3).tolist()
    assert kept.dtype == margins.dtype
    assert subset._near_ties('it0_mask', margins) is margins


@pytest.mark.parametrize(
    ('key', 'entry', 'thinned'),
    [
        ('full_stride5', {}, 'full_stride10'),
        ('head_logits', {}, 'head_logits_stride2'),
        ('head_logits_stride2', {}, 'head_logits_stride4'),
        ('test_hr', {}, None),
        ('out1', {'channel_and_spatial_stride': {'1': [4, 2]}}, 'out1'),
    ],
)
def test_names_of_thinned_maps(key: str, entry: dict, thinned: str | None) -> None:
    assert subset._thinned(key, entry) == thinned
    if key == 'out1':
        assert entry == {'channel_and_spatial_stride': {'1': [4, 4]}}


def test_runner_takes_them_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--case', 'recipe', '--json']) == 0
    assert [json.loads(line).get('name') for line in capsys.readouterr().out.splitlines()] == ['recipe', None]


def test_a_folder_that_is_no_whole_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        subset.main([str(tmp_path), str(tmp_path / 'cut')])
    assert 'holds no recipe.json; expected the folder of all cases' in capsys.readouterr().err
