# Source only: train on GTA, test on Cityscapes.
_base_ = ['_cityscapes_half_val.py']
crop_size = (512, 512)
train_pipeline = dict(
    type='TrainPipeline', img_scale=(1280, 720), crop_size=crop_size, cat_max_ratio=0.75, photometric=True
)
data = dict(
    train=dict(
        type='GTADataset',
        data_root='data/gta/',
        img_dir='images',
        ann_dir='labels',
        pipeline=train_pipeline,
    )
)
