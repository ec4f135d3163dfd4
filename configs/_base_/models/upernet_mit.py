# UPerNet on a MiT; names no encoder of its own.
_base_ = ['_segmentor.py']
norm_cfg = dict(type='BN', requires_grad=True)
find_unused_parameters = True  # carried by the published file, without effect here
model = dict(
    pretrained=None,
    backbone=dict(type='IMTRv21_5', style='pytorch'),  # the published placeholder, replaced by every child
    decode_head=dict(
        type='UPerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=512,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
    ),
)
