"""Position embeddings and relative positions for another grid of patches."""

import timm
import torch

from mmseg.models.backbones.any_grid import AnyGrid, resized_embedding, resized_table
from mmseg.models.backbones.timm_networks import Plain

THIN = {'depth': 2, 'embed_dim': 24, 'num_heads': 2}


def beit(size, **options):
    torch.manual_seed(0)
    network = Plain(
        timm.create_model('beit_base_patch16_224', num_classes=0, img_size=size, **THIN, **options), (1,)
    )
    for key, value in network.named_parameters():
        if 'bias_table' in key or 'pos_embed' in key:
            torch.nn.init.normal_(value)
    return network.eval()


def test_the_result_is_that_of_a_network_built_for_the_size():
    small, large = (beit(size, use_abs_pos_emb=True) for size in ((64, 64), (96, 128)))
    with torch.no_grad():
        for (key, value), given in zip(large.named_parameters(), small.parameters(), strict=True):
            if 'bias_table' in key:
                given = resized_table(given, (4, 4), (6, 8))
            elif 'pos_embed' in key:
                given = resized_embedding(given, (4, 4), (6, 8))
            value.copy_(given)
        image = torch.randn(2, 3, 96, 128)
        torch.testing.assert_close(AnyGrid(small, 'model')(image)[0], large(image)[0])


def test_the_network_stays_as_it_is():
    network = beit((64, 64), use_shared_rel_pos_bias=True)
    call = AnyGrid(network, 'model')
    image = torch.randn(1, 3, 64, 64)
    before, keys = call(image)[0], list(network.state_dict())
    for size in ((32, 48), (48, 32), (80, 80), (96, 96), (112, 96), (32, 48)):
        call(torch.randn(1, 3, *size))
    assert torch.equal(call(image)[0], before)
    assert list(network.state_dict()) == keys
    assert network.model.blocks[0].attn.window_size == (4, 4)
    assert network.model.rel_pos_bias.window_area == 16


def test_tables_keep_their_meaning():
    table = torch.arange(7 * 7 + 3, dtype=torch.float32)[:, None].repeat(1, 2)
    assert torch.equal(resized_table(table, (4, 4), (4, 4)), table)
    other = resized_table(table, (4, 4), (6, 8))
    assert other.shape == (11 * 15 + 3, 2)
    assert torch.equal(other[-3:], table[-3:])
    middle = other[: 11 * 15].reshape(11, 15, 2)[5, 7, 0]
    torch.testing.assert_close(middle, table[24, 0], atol=1e-4, rtol=0)  # no distance stays no distance
