# HRDA: the context sees what DAFormer sees at half size, the detail a quarter of it at full size.
_base_ = ['procstreet2camvid960_daformer.py']
_full = dict(img_scale=(960, 720), crop_size=(512, 640))
data = dict(
    train=dict(
        source=dict(pipeline=_full),
        target=dict(pipeline=_full),
        rare_class_sampling=dict(min_crop_ratio=0.5),
    ),
    val=dict(pipeline=dict(img_scale=(960, 720))),
    test=dict(pipeline=dict(img_scale=(960, 720))),
)
model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DAFormerHead',
        attention_embed_dim=64,
        attention_classwise=True,
        hr_loss_weight=0.1,
    ),
    scales=[1, 0.5],
    hr_crop_size=[256, 320],
    feature_scale=0.5,
    crop_coord_divisible=16,
    hr_slide_inference=True,
    test_cfg=dict(mode='slide', batched_slide=True, stride=[256, 320], crop_size=[512, 640]),
)
name = 'procstreet2camvid960_hrda_lite0_s0'
