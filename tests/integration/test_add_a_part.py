"""docs/add-a-part.md as it stands: a part from outside the package, trained, drawn, resumed, mistyped."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg.fileio import read_image
from mmseg.uda.min_entropy import MinEnt
from tests import warm
from tests.integration.programs import ROOT
from tests.uda.networks import MODEL, small_batch, small_method, train
from tests.visualization.test_debug_pictures import watched

PAGE = (ROOT / 'docs/add-a-part.md').read_text(encoding='utf-8')
CODE = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
FILES = ('pixel_contrast.py', 'contrast.py', 'noise.py')
COMMANDS = [line for line in PAGE.replace('\\\n', '').splitlines() if line.startswith('python ')]


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line)
    return warm.run(words[1:], cwd=folder, merged=True)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the repository's root, with the files of the page and the scenes of the demo, fewer of them."""
    root = tmp_path_factory.mktemp('part')
    for name in ('configs', 'tools'):
        (root / name).symlink_to(ROOT / name)
    for layout in ('gta', 'cityscapes'):
        out = f'data/builtin/{layout}'
        for line in (
            f'python tools/make_scenes.py {out} --layout {layout} --count 8',
            f'python tools/convert_datasets/{layout}.py {out}',
        ):
            done = run(line, root)
            assert done.returncode == 0, done.stdout
    for name, code in zip(FILES, CODE, strict=True):
        (root / name).write_text(code, encoding='utf-8')
    return root


@pytest.mark.parametrize('kind', ['DACS', 'MinEnt'])
def test_the_parts_of_the_page_in_other_methods(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    """They draw where there is something to draw, and are not tied to one method."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, code in zip(FILES, CODE, strict=True):
        (tmp_path / name).write_text(code, encoding='utf-8')
    for module in ('pixel_contrast', 'noise'):
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.import_module(module)
    parts = [{'type': 'PixelContrast'}, {'type': 'NoiseConsistency'}]
    made = small_method(parts=parts) if kind == 'DACS' else MinEnt(MODEL, 10, parts, lambda_ent={'main': 0.1})
    observer = watched(made, tmp_path, 1)
    (values,) = train(made, [small_batch(size=(64, 64))])
    observer.close()
    assert values['noise.loss'] > 0
    assert ('contrast.loss' in values) == (kind == 'DACS')
    assert not [line for line in logged if 'panels' in line]
    assert read_image(next(tmp_path.glob('*/000001_0.png'))).shape[0] == 900, 'a third row of the parts'


@pytest.mark.slow
def test_the_part_of_the_page_trains_and_resumes_bit_for_bit(folder: Path) -> None:
    first, second, mistyped = COMMANDS
    for line in (first, second):
        done = run(line, folder)
        assert done.returncode == 0, done.stdout
        assert 'contrast.loss: ' in done.stdout
        assert 'contrast.agreement: ' in done.stdout
    straight, again = (
        torch.load(folder / f'work_dirs/{name}/iter_4.pth', weights_only=True)
        for name in ('contrast', 'again')
    )
    assert straight['state_dict']['contrast.known'].any()
    assert straight['state_dict'].keys() == again['state_dict'].keys()
    for key, value in straight['state_dict'].items():
        assert torch.equal(value, again['state_dict'][key]), key
    pictures = sorted((folder / 'work_dirs/contrast/class_mix_debug').iterdir())
    assert len(pictures) == 4
    assert read_image(pictures[0]).shape == (900, 1500, 3), 'two rows of the method, one of the part'
    done = run(mistyped, folder)
    assert done.returncode == 2
    told = re.findall(r'says `(.*?)`', PAGE)[0]
    assert told in done.stdout
