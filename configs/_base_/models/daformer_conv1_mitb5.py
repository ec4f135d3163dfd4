# MiT-B5 with DAFormer's decoder: embed each level, concatenate, fuse (here by a 1x1 convolution).
_base_ = ['_segmentor.py']
norm_cfg = dict(type='BN', requires_grad=True)
find_unused_parameters = True  # carried by the published file, without effect here
model = dict(
    pretrained='pretrained/mit_b5.pth',
    backbone=dict(type='mit_b5', style='pytorch'),
    decode_head=dict(
        type='DAFormerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        channels=256,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        decoder_params=dict(
            embed_dims=256,
            embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(type='conv', kernel_size=1, act_cfg=dict(type='ReLU'), norm_cfg=norm_cfg),
        ),
    ),
)
