"""docs/encoders.md as it stands: its files, its commands, and the encoders it names."""

import re
import shlex
from pathlib import Path

import pytest
import torch

from mmseg.models.backbones.timm_networks import Request
from mmseg.models.backbones.timm_survey import survey
from tests import warm
from tests.integration.programs import ROOT

PAGE = (ROOT / 'docs/encoders.md').read_text(encoding='utf-8')
FILES = dict(re.findall(r'```python\n# (\w+\.py)(.*?)```', PAGE, re.DOTALL))
COMMANDS = [line for line in PAGE.splitlines() if line.startswith('python ') and 'benchmark' not in line]


def run(line: str, folder: Path) -> str:
    done = warm.run(shlex.split(line)[1:], cwd=folder, merged=True)
    assert done.returncode == 0, f'{line}\n{done.stdout}'
    return done.stdout


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the repository's root, with the files of the page and the scenes of the demo, fewer of them."""
    root = tmp_path_factory.mktemp('encoders')
    for name in ('configs', 'tools'):
        (root / name).symlink_to(ROOT / name)
    for layout in ('gta', 'cityscapes'):
        out = f'data/builtin/{layout}'
        run(f'python tools/make_scenes.py {out} --layout {layout} --count 8', root)
        run(f'python tools/convert_datasets/{layout}.py {out}', root)
    for name, code in FILES.items():
        (root / name).write_text(f'#{code}', encoding='utf-8')
    return root


@pytest.mark.slow
def test_the_commands_of_the_page(folder: Path) -> None:
    assert set(FILES) == {'vit.py', 'fast.py', 'my_encoder.py', 'own_encoder.py'}
    assert [line.split()[1:3] for line in COMMANDS] == [
        ['tools/train.py', 'vit.py'],
        ['tools/test.py', 'vit.py'],
        ['tools/get_flops.py', 'vit.py'],
        ['tools/train.py', 'fast.py'],
        ['tools/train.py', 'own_encoder.py'],
    ]
    said = [run(line, folder) for line in COMMANDS]
    assert 'decode.loss_seg: ' in said[0]
    assert 'mIoU' in said[1]
    assert 'backbone pyramid' in said[2]
    saved = torch.load(folder / 'work_dirs/fast/latest.pth', weights_only=True)
    rates = {group['lr'] for group in saved['optimizer']['param_groups']}
    assert len(rates) > 5
    assert any('.parametrizations.weight.0.up' in key for key in saved['state_dict'])


def test_networks_that_the_page_names_are_used_as_it_says() -> None:
    rows = re.findall(r'^\| ([^|]+) \| ((?:`[^`]+`(?:, )?)+) \| ([^|]+) \|$', PAGE, re.MULTILINE)
    kinds = {row[0].partition(':')[0]: re.findall('`([^`]+)`', row[1]) for row in rows}
    assert list(kinds) == [
        'hierarchical', 'plain transformer', 'plain, for one picture size in timm', 'others for one size',
    ]  # fmt: skip
    for kind, names in kinds.items():
        for name in names:
            found = survey(Request(name))
            assert found.plain == kind.startswith('plain')
            assert found.any_grid == kind.startswith('plain, for')
            assert (found.fixed_size is not None) == kind.startswith('others')
