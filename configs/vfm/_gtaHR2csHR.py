# GTA -> Cityscapes with a foundation model as encoder: the ingredients of VFM-UDA++ (Englert and Dubbelman, 2025,
# arXiv:2503.15202). Nothing here has been run (docs/encoders.md); what the listed recipe leaves open is marked 'ours'.
# Weights: pretrained/README.md.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_sepaspp_mitb5.py',  # decoder: ours
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024.py',  # crops of 1024 x 1024
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw.py',
    '../_base_/schedules/poly10warm.py',  # warm-up of 1,500 iterations
]
seed = 0
precision = 'bf16'  # ours
model = dict(
    backbone=dict(  # another size is named by each configuration; no resampling of positions in training
        _delete_=True, type='TimmBackbone', model_name='vit_small_patch14_dinov2', img_size=1024
    ),
    decode_head=dict(in_channels=None),  # the encoder tells
    test_cfg=dict(mode='slide', batched_slide=True, stride=[512, 512], crop_size=[1024, 1024]),
)
data = dict(
    train=dict(
        source=dict(pipeline=dict(strong_photometric=dict())),  # 0.8, 0.8, 0.8, 0.4, grey 0.1, blur 0.5
        target=dict(crop_pseudo_margins=[30, 240, 30, 30]),  # as HRDA
        rare_class_sampling=dict(min_pixels=3000, class_temp=0.01, min_crop_ratio=2.0),  # as HRDA
    )
)
uda = dict(
    alpha=0.999,
    pseudo_flip=True,  # pseudo-labels averaged over a flip
    mask_mode='separatetrgaug',
    mask_lambda=1,
    mask_generator=dict(_delete_=True, type='token', mask_ratio=0.7),
)
optimizer = dict(
    lr=1e-4,  # ours; times the square root of all images of a step, see auto_scale_lr
    paramwise_cfg=dict(
        layer_decay=0.9,
        flat_decay_mult=0.0,  # ours, as timm trains
        custom_keys={
            'backbone.encoder': dict(lr_mult=0.1),
            'encoder.model.pos_embed': dict(lr_mult=0.1, decay_mult=0.0),
            'encoder.model.cls_token': dict(lr_mult=0.1, decay_mult=0.0),
        },
    ),
)
auto_scale_lr = dict(base_batch_size=1, rule='sqrt')
optimizer_config = None
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=40000, max_keep_ckpts=1)
evaluation = dict(interval=4000, metric='mIoU')
