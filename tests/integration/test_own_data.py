"""docs/own-data.md from top to bottom, on drawn pictures."""

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg.fileio import read_label
from tests import warm
from tests.integration.programs import ROOT

PAGE = (ROOT / 'docs/own-data.md').read_text(encoding='utf-8')
BLOCKS = re.findall(r'```(python)?\n(.*?)```', PAGE, re.DOTALL)
COLOURS = np.array(
    [[0, 0, 0], [90, 90, 90], [200, 60, 60], [40, 160, 60], [50, 90, 220], [220, 200, 90]], np.uint8
)


def draw(folder: Path, name: str, size: tuple[int, int], seed: int, labelled: bool = True) -> None:
    """A JPEG of noisy rectangles and its palette PNG; index 0 is background."""
    rng = np.random.default_rng(seed)
    label = np.zeros(size, np.uint8)
    for class_id in range(1, 6):
        top, left = rng.integers(0, size[0] - 40), rng.integers(0, size[1] - 40)
        label[top : top + 40, left : left + 40] = class_id
    picture = np.clip(COLOURS[label] + rng.normal(0, 9, (*size, 3)), 0, 255).astype(np.uint8)
    for kind in ('images', 'labels'):
        (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / 'images' / f'{name}.jpg', quality=95)
    if labelled:
        image = Image.fromarray(label, 'P')
        image.putpalette(COLOURS.tobytes())
        image.save(folder / 'labels' / f'{name}.png')


def draw_everything(folder: Path) -> None:
    for number in range(1, 5):
        for area, size in (('area1', (120, 160)), ('area2', (100, 150))):
            draw(folder / 'source', f'{area}/{number:04}', size, number)
        draw(folder / 'target', f'{number:04}', (150, 170), 10 + number, labelled=False)
        if number < 3:
            draw(folder / 'val', f'{number:04}', (150, 170), 20 + number)


def run(line: str, folder: Path) -> str:
    words = shlex.split(line)
    assert words[0] == 'python', line
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = warm.run(words[1:], cwd=folder, env=environment, merged=True)
    assert done.returncode == 0, f'{line}\n{done.stdout}'
    return done.stdout


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    for name in ('configs', 'tools', 'demo'):
        (tmp_path / name).symlink_to(ROOT / name)
    draw_everything(tmp_path / 'data/own')
    (code,) = (block for kind, block in BLOCKS if kind)
    (tmp_path / 'own.py').write_text(code, encoding='utf-8')
    lines = [
        line
        for kind, block in BLOCKS
        if not kind
        for line in block.splitlines()
        if line.startswith('python ')
    ]
    *lines, again, pack, count, packed = lines
    said = {line.split()[1]: run(line, tmp_path) for line in lines}
    assert len(lines) == 7
    assert 'samples_with_class.json' in said['tools/class_statistics.py']
    assert said['tools/check_data.py'].count('Verdict: sound') == 3
    assert 'Without effect here: ' in said['tools/train.py']
    assert 'Saving checkpoint' in said['tools/train.py']
    work = tmp_path / 'work_dirs/own'
    assert len(list(work.glob('best_mIoU_iter_*.pth'))) == 1
    for line in PAGE.splitlines():
        if line.startswith('classes = '):
            assert all(name in said['tools/test.py'] for name in re.findall(r"'(\w+)'", line))
    ids = read_label(work / 'ids/0001.png')
    assert ids.shape == (150, 170)
    assert ids.max() < 5
    assert {path.name for path in (work / 'show').iterdir()} == {'0001.png', '0002.png'}
    assert list(tmp_path.rglob('report.html'))
    assert 'layers that tell classes apart begin anew' in run(again, tmp_path)
    run(pack, tmp_path)
    assert 'data/own/packed/samples_with_class.json' in run(count, tmp_path)
    run(packed, tmp_path)
    (log,) = (tmp_path / 'work_dirs/packed').glob('*.log')
    assert 'Loaded 8 images from data/own/packed.zip/images' in log.read_text()
    assert next((tmp_path / 'work_dirs/decoded').glob('*.pixels')).stat().st_size
