"""What ``init_cfg`` may say."""

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models.initialization import init_head


def head() -> nn.Module:
    return nn.ModuleDict({'conv_seg': nn.Conv2d(2, 2, 1), 'other': nn.Conv2d(2, 2, 1)})


def test_a_part_is_drawn_and_a_list_is_applied_in_order() -> None:
    made = head()
    init_head(made, [
        {'type': 'Constant', 'val': 2, 'layer': 'Conv2d'},
        {'type': 'Constant', 'val': 3, 'override': {'name': 'conv_seg'}},
    ])  # fmt: skip
    assert (made['conv_seg'].weight == 3).all()
    assert (made['other'].weight == 2).all()


@pytest.mark.parametrize(
    ('cfg', 'told'),
    [
        ({'type': 'os.system', 'command': 'touch mark'}, "init_cfg.type is 'os.system'"),
        ({'type': 'Pretrained', 'checkpoint': 'x.pth'}, "init_cfg.type is 'Pretrained'"),
        ({'type': 'Normal', '_scope_': 'mark'}, "init_cfg.type is 'Normal'"),
        (
            {'type': 'Normal', 'override': {'type': 'os.system', 'name': 'other'}},
            "init_cfg.type is 'os.system'",
        ),
        (
            {'type': 'Normal', 'override': {'name': 'forward'}},
            "override.name is 'forward'.* has conv_seg, other",
        ),
        ({'type': 'Normal', 'std': 'wide', 'layer': 'Conv2d'}, 'init_cfg is .*wide'),
        ({'type': 'Normal', 'sdt': 1}, 'init_cfg is .*sdt'),
        ('Normal', "found 'Normal', expected a dict with a type"),
        ({'type': 'normal'}, "the nearest valid name is 'Normal'"),
    ],
)
def test_anything_else_is_refused(cfg: object, told: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mark.py').write_text('open("mark", "w")')
    torch.save({'weight': torch.ones(1)}, 'x.pth')
    with pytest.raises(ConfigError, match=told):
        init_head(head(), cfg)  # type: ignore[arg-type]
    assert not (tmp_path / 'mark').exists()
