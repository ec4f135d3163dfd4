_base_ = ['_r50-d8.py']
model = dict(
    decode_head=dict(
        type='DLV2Head',
        in_channels=2048,
        in_index=3,
        dilations=(6, 12, 18, 24),
        init_cfg=dict(type='Normal', std=0.01, override=dict(name='aspp_modules')),
    )
)
