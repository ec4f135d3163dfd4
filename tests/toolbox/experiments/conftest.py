"""A project folder to launch from, with the shipped configurations in it."""

from pathlib import Path

import pytest

from mmseg.config.files import configs_folder


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as current folder, whose configs/ links to the shipped files."""
    source = configs_folder().resolve()
    (tmp_path / 'configs').mkdir()
    for folder in source.iterdir():
        if folder.name != 'generated':
            (tmp_path / 'configs' / folder.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path
