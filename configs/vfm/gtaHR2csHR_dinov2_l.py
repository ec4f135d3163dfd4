# DINOv2 large, kept close to DINOv2 giant on both domains.
_base_ = ['_gtaHR2csHR.py']
model = dict(
    pretrained='pretrained/vit_large_patch14_dinov2.lvd142m.safetensors',
    backbone=dict(model_name='vit_large_patch14_dinov2'),
)
uda = dict(
    parts=[
        dict(
            type='FrozenEncoderDistance',
            weight=1.0,  # ours
            backbone=dict(
                type='TimmBackbone',
                model_name='vit_giant_patch14_dinov2',
                pretrained='pretrained/vit_giant_patch14_dinov2.lvd142m.safetensors',
                img_size=1024,
                pyramid_channels=None,
            ),
        )
    ]
)
name = 'gtaHR2csHR_dinov2_l_s0'
