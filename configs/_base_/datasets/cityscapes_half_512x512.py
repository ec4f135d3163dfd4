# Target only ("oracle"): train and test on Cityscapes.
_base_ = ['_cityscapes_half_val.py']
crop_size = (512, 512)
train_pipeline = dict(
    type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size, cat_max_ratio=0.75, photometric=True
)
data = dict(
    train=dict(
        type='CityscapesDataset',
        data_root='data/cityscapes/',
        img_dir='leftImg8bit/train',
        ann_dir='gtFine/train',
        pipeline=train_pipeline,
    )
)
