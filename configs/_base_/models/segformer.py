# Base of segformer_*.py; names no encoder of its own.
_base_ = ['_segmentor.py']
norm_cfg = dict(type='BN', requires_grad=True)
find_unused_parameters = True  # the inherited conv_seg stays without gradient; without effect here
model = dict(
    pretrained=None,
    backbone=dict(type='IMTRv21_5', style='pytorch'),  # the published placeholder, replaced by every child
    decode_head=dict(
        type='SegFormerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        channels=128,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        decoder_params=dict(),
    ),
)
