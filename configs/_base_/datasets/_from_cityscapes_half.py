# Adaptation from Cityscapes at half scale: the source. Children add the target and what is tested.
img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
crop_size = (512, 512)
cityscapes_train_pipeline = dict(
    type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size, cat_max_ratio=0.75
)
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=4,
    train=dict(
        type='UDADataset',
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline=cityscapes_train_pipeline,
        ),
    ),
)
