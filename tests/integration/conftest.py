"""What integration tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.making.browser import Tab, browser
from tests.integration.examples import build_workspace
from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config


@pytest.fixture(scope='session')
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Configuration and checkpoint of a tiny DAFormer run."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_config(folder, tiny_config(tiny_data))
    with pytest.MonkeyPatch.context() as patch:
        assert run_tool(patch, 'train', config, '--work-dir', folder / 'run') == 0
    return config, folder / 'run' / 'latest.pth'


@pytest.fixture(scope='module')
def workspace(
    tiny_data: Path, trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A folder with everything that commands name, and what the names in capitals stand for."""
    root = tmp_path_factory.mktemp('workspace')
    return root, build_workspace(root, tiny_data, trained)


@pytest.fixture(scope='module')
def tab() -> Iterator[Tab]:
    """A browser."""
    with browser() as opened:
        yield opened
