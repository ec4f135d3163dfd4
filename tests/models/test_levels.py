"""Encoders tell channels and strides of their maps; heads, segmentors and necks take theirs from there."""

import pytest
import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models import build_segmentor
from mmseg.models.levels import Levels, head_config, levels_of
from mmseg.registry import MODELS
from mmseg.streams import Streams
from tests.models.tiny import CLASSES, daformer_head, dlv2_head, segformer_head, segmentor

NARROW = {'base_channels': 4, 'stem_channels': 8}
DILATED = {'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4)}
ENCODERS = {
    'mit_b0': {'type': 'mit_b0'},
    'resnet': {'type': 'ResNetV1c', 'depth': 50, **NARROW},
    'dilated': {'type': 'ResNetV1c', 'depth': 50, **NARROW, **DILATED},
    'two levels': {'type': 'ResNet', 'depth': 50, **NARROW, 'out_indices': (1, 3)},
    'three stages': {'type': 'ResNet', 'depth': 50, **NARROW, 'num_stages': 3, 'out_indices': (0, 1, 2)},
    'resnest': {'type': 'ResNeSt', 'depth': 50, **NARROW},
    'resnext': {'type': 'ResNeXt', 'depth': 50, 'base_channels': 8, 'stem_channels': 8, 'groups': 2, 'base_width': 32},
    'timm': {'type': 'TimmBackbone', 'model_name': 'mobilenetv3_small_050', 'out_indices': (1, 2, 3)},
}  # fmt: skip


class Silent(nn.Module):
    """An encoder that tells nothing."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


@MODELS.register_module(force=True)
class Liar(nn.Module):
    """Two maps of 4 and 8 channels at strides 4 and 8."""

    def __init__(self, channels: list[int], strides: list[int]) -> None:
        super().__init__()
        self.channels, self.strides = channels, strides
        self.first, self.second = nn.Conv2d(3, 4, 4, stride=4), nn.Conv2d(4, 8, 2, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        first = self.first(x)
        return [first, self.second(first)]


@pytest.mark.parametrize('channels, strides', [([4, 6], [4, 8]), ([4, 8], [4, 16]), ([4, 8, 8], [4, 8, 16]),
                                               ([4], [4])])  # fmt: skip
def test_an_encoder_that_tells_something_else_than_it_gives(channels: list[int], strides: list[int]) -> None:
    backbone = {'type': 'Liar', 'channels': channels, 'strides': strides}
    network = build_segmentor(
        segmentor(backbone=backbone, decode_head=dlv2_head(in_channels=None, in_index=0))
    )
    told = r'encoder Liar declares .*64 x 96 pixels it returns 4 x 16 x 24, 8 x 8 x 12'
    with pytest.raises(ConfigError, match=told) as caught:
        network(torch.zeros(2, 3, 64, 96))
    assert 'in_channels' not in str(caught.value)


@pytest.mark.parametrize('name', ENCODERS)
def test_an_encoder_tells_what_it_gives(name: str) -> None:
    backbone = MODELS.build(ENCODERS[name])
    maps = backbone(torch.zeros(2, 3, 64, 96))
    assert [x.shape[1] for x in maps] == list(backbone.channels)
    assert [(64 // x.shape[2], 96 // x.shape[3]) for x in maps] == [(s, s) for s in backbone.strides]


def test_every_registered_mix_transformer_tells_its_channels() -> None:
    with torch.device('meta'):
        backbone = MODELS.build({'type': 'mit_b5'})
    assert levels_of(backbone) == Levels((64, 128, 320, 512), (4, 8, 16, 32))


def test_an_encoder_that_tells_nothing_is_an_error_with_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r'Silent does not tell.*channels.*strides'):
        levels_of(Silent())


@pytest.mark.parametrize('make', [daformer_head, segformer_head, dlv2_head])
@pytest.mark.parametrize('name', ['mit_b0', 'dilated'])
def test_heads_take_their_channels_from_the_encoder(make, name: str) -> None:
    head = make()
    del head['in_channels']
    network = build_segmentor({'type': 'EncoderDecoder', 'backbone': ENCODERS[name], 'decode_head': head})
    label = torch.randint(0, CLASSES, (2, 1, 64, 96))
    losses = network.forward_train(torch.randn(2, 3, 64, 96), label).losses
    assert losses['decode.loss_seg'].isfinite()


def test_auxiliary_heads_and_the_fine_level_of_deeplab_do_the_same() -> None:
    fcn = {'type': 'FCNHead', 'channels': 8, 'num_classes': CLASSES, 'in_index': 2}
    head = {
        'type': 'DepthwiseSeparableASPPHead', 'channels': 8, 'num_classes': CLASSES, 'c1_channels': 4, 'in_index': 3,
    }  # fmt: skip
    network = build_segmentor(segmentor(decode_head=head, auxiliary_head=[fcn, fcn]))
    output = network.forward_train(torch.randn(2, 3, 64, 64), torch.zeros(2, 1, 64, 64).long())
    assert output.logits.shape[2:] == (16, 16)
    assert set(output.auxiliary) == {'aux_0', 'aux_1'}
    assert network.output_stride == 4


def test_a_neck_says_what_it_changes() -> None:
    neck = {'type': 'SegFormerAdapter', 'out_layers': (2, 3), 'scales': (2, 4)}
    network = build_segmentor(segmentor(neck=neck, decode_head={**dlv2_head(), 'in_channels': 160 + 256}))
    assert network.levels == Levels((32, 64, 160, 416), (4, 8, 16, 8))
    maps = network.extract_feat(torch.randn(1, 3, 64, 64))
    assert [x.shape[1] for x in maps] == list(network.levels.channels)
    assert [64 // x.shape[2] for x in maps] == list(network.levels.strides)


@pytest.mark.parametrize(
    ('head', 'message'),
    [
        (daformer_head(in_channels=[64, 128, 320, 512]), r'model.decode_head.in_channels is \[64, 128, 320, 512\].*'
         r'\[32, 64, 160, 256\].*[Ll]eave in_channels out'),
        (dlv2_head(in_channels=2048), r'in_channels is 2048 .*in_index 3.* 256'),
        (dlv2_head(in_index=4), r'in_index is 4.*4 maps'),
        ({'type': 'DepthwiseSeparableASPPHead', 'channels': 8, 'num_classes': 3, 'c1_channels': 4, 'in_index': 3,
          'c1_in_channels': 99}, r'c1_in_channels is 99.* 32'),
    ],
)  # fmt: skip
def test_channels_that_contradict_the_encoder_are_refused_when_built(head, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_segmentor(segmentor(decode_head=head))


def test_the_sum_is_accepted_where_maps_are_joined() -> None:
    levels = Levels((8, 16), (4, 8))
    head = {'type': 'SegFormerHead', 'in_index': (0, 1), 'in_channels': [24]}
    assert head_config(head, levels, 'model.decode_head')['in_channels'] == [24]


@pytest.mark.parametrize(('index', 'stride'), [((0, 1, 2, 3), 4), ((1, 2, 3), 8), ((2, 3), 16)])
def test_logits_have_the_stride_of_the_finest_map_that_the_head_looks_at(index, stride: int) -> None:
    head = segformer_head(in_index=index)
    del head['in_channels']
    network = build_segmentor(segmentor(decode_head=head))
    output = network.forward_train(torch.randn(2, 3, 64, 64), torch.zeros(2, 1, 64, 64).long())
    assert network.output_stride == stride == 64 // output.logits.shape[2]


def test_detail_crops_follow_the_stride_of_the_decoder() -> None:
    head = {
        **daformer_head(in_index=[1, 2, 3]), 'type': 'HRDAHead', 'single_scale_head': 'DAFormerHead',
        'attention_embed_dim': 8,
    }  # fmt: skip
    del head['in_channels']
    network = build_segmentor(
        segmentor(
            type='HRDAEncoderDecoder', decode_head=head, scales=[1, 0.5], hr_crop_size=[96, 96], feature_scale=0.5,
            crop_coord_divisible=None,
        )
    )  # fmt: skip
    assert (network.output_stride, network.crop_coord_divisible) == (8, 16)
    image, label = torch.randn(2, 3, 128, 160), torch.zeros(2, 1, 128, 160).long()
    assert network.forward_train(image, label, draws=Streams(0)).losses['decode.loss_seg'].isfinite()
    # An edge shorter than the detail crop grows to the stride of the decoder: 72 is a multiple of 8, 76 is none.
    with torch.inference_mode():
        for height in (72, 76):
            flat = torch.randn(1, 3, height, 128)
            assert network.eval().over_windows(flat, network.encode_decode).shape == (1, CLASSES, height, 128)


@pytest.mark.parametrize(
    ('scales', 'divisible'), [([1, 0.5], 8), ([1, 0.75], 16), ([1, 0.25], 16), ([1, 1], 4)]
)
def test_offsets_fall_on_cells_of_both_scales(scales, divisible: int) -> None:
    head = {
        **daformer_head(),
        'type': 'HRDAHead',
        'single_scale_head': 'DAFormerHead',
        'attention_embed_dim': 8,
    }
    network = build_segmentor(
        segmentor(
            type='HRDAEncoderDecoder', decode_head=head, scales=scales, hr_crop_size=[32, 32], feature_scale=1,
            crop_coord_divisible=None,
        )
    )  # fmt: skip
    assert network.crop_coord_divisible == divisible
