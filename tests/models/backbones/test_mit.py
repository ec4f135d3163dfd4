"""Mix Transformers: shapes, drop rates, attention, initialisation, official weight files."""

import inspect
import logging

import pytest
import torch
import torch.nn.functional as F

from mmseg.errors import CheckpointError, DataError
from mmseg.models.backbones.mit import VARIANTS, Attention, MixVisionTransformer
from mmseg.models.dropout import DropPath
from mmseg.registry import MODELS


@pytest.mark.parametrize('name', ['mit_b0', 'mit_b2'])
def test_variants(name) -> None:
    with torch.device('meta'):
        network = MODELS.build({'type': name})
        outputs = network(torch.empty(2, 3, 70, 94))
    dims, depths = VARIANTS[name]
    assert [tuple(x.shape) for x in outputs] == [
        (2, c, *size) for c, size in zip(dims, [(18, 24), (9, 12), (5, 6), (3, 3)], strict=True)
    ]
    assert [len(network.get_submodule(f'block{i}')) for i in (1, 2, 3, 4)] == list(depths)


def test_published_keys_are_accepted_and_others_refused() -> None:
    MODELS.build({'type': 'mit_b0', 'style': 'pytorch', 'img_size': 512, 'freeze_patch_embed': False})
    with pytest.raises(TypeError, match='ema_drop_path_rate'):
        MODELS.build({'type': 'mit_b0', 'ema_drop_path_rate': 0.1})
    assert 'kwargs' not in inspect.signature(MODELS.get('mit_b5')).parameters


def test_drop_path_rates_grow_linearly() -> None:
    network = MODELS.build({'type': 'mit_b0', 'drop_path_rate': 0.7})
    rates = [module.drop_prob for module in network.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0.1 * i for i in range(1, 8)])


def test_attention_is_softmax_of_scaled_similarities() -> None:
    torch.manual_seed(0)
    layer = Attention(8, heads=2, sr_ratio=1, qkv_bias=True, attn_drop=0.0, drop=0.0)
    x = torch.randn(3, 6, 8)
    q = layer.q(x).view(3, 6, 2, 4).transpose(1, 2)
    k, v = layer.kv(x).view(3, 6, 2, 2, 4).permute(2, 0, 3, 1, 4)
    weights = F.softmax(q @ k.transpose(-1, -2) * 4**-0.5, dim=-1)
    expected = layer.proj((weights @ v).transpose(1, 2).reshape(3, 6, 8))
    torch.testing.assert_close(layer(x, 2, 3), expected)


def test_keys_outside_whole_blocks_are_dropped() -> None:
    layer = Attention(4, heads=1, sr_ratio=2, qkv_bias=True, attn_drop=0.0, drop=0.0).eval()
    x = torch.randn(1, 15, 4)
    changed = x.clone()
    changed[0, 14] += 1  # last row and column of the 3 x 5 map
    difference = (layer(x, 3, 5) - layer(changed, 3, 5)).abs().sum(-1)
    assert (difference[0, :14] == 0).all()
    assert difference[0, 14] > 0


def test_initialisation() -> None:
    network = MODELS.build({'type': 'mit_b0'})
    network.init_weights()
    block = network.get_submodule('block4.1')
    assert block.mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.mlp.dwconv.dwconv.weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.05)
    proj = network.get_submodule('patch_embed2.proj')
    assert proj.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.05)
    biases = [p for name, p in network.named_parameters() if name.endswith('bias')]
    assert all((p == 0).all() for p in biases)


def official_file(path, **changes) -> str:
    """A file like the published ones: all keys of the encoder and an ImageNet classifier."""
    torch.manual_seed(1)
    values = {key: torch.randn(v.shape) for key, v in MODELS.build({'type': 'mit_b0'}).state_dict().items()}
    values |= {'head.weight': torch.randn(1000, 256), 'head.bias': torch.randn(1000), **changes}
    torch.save({key: value for key, value in values.items() if value is not None}, path)
    return str(path)


def test_official_file_loads(tmp_path, caplog) -> None:
    caplog.set_level(logging.WARNING, 'mmseg')
    path = official_file(tmp_path / 'mit_b0.pth')
    network = MODELS.build({'type': 'mit_b0', 'pretrained': path})
    network.init_weights()
    stored = torch.load(path, weights_only=True)
    assert all(torch.equal(value, stored[key]) for key, value in network.state_dict().items())
    assert caplog.text == ''


def test_lacking_and_foreign_keys_are_named(tmp_path, caplog) -> None:
    caplog.set_level(logging.WARNING, 'mmseg')
    path = official_file(tmp_path / 'mit_b0.pth', **{'norm1.bias': None, 'pos_embed1': torch.zeros(3)})
    MODELS.build({'type': 'mit_b0', 'init_cfg': {'type': 'Pretrained', 'checkpoint': path}}).init_weights()
    assert 'missing keys: norm1.bias; unexpected keys: pos_embed1' in caplog.text


def test_file_of_another_size_is_refused(tmp_path) -> None:
    path = official_file(tmp_path / 'mit_b0.pth')
    with pytest.raises(
        CheckpointError, match=r'mit_b0\.pth.*patch_embed1\.proj\.weight \(file \(32, 3, 7, 7\)'
    ):
        MODELS.build({'type': 'mit_b1', 'pretrained': path}).init_weights()


def test_too_small_image_is_named() -> None:
    network = MODELS.build({'type': 'mit_b0'})
    with pytest.raises(DataError, match='20 x 64'):
        network(torch.zeros(1, 3, 20, 64))
    assert len(network(torch.zeros(1, 3, 29, 29))) == 4


def test_other_depths_and_channels() -> None:
    network = MixVisionTransformer((8, 16, 24, 32), (1, 1, 1, 2), num_heads=(1, 2, 3, 4), in_chans=4)
    assert [x.shape[1] for x in network(torch.randn(1, 4, 32, 32))] == [8, 16, 24, 32]
