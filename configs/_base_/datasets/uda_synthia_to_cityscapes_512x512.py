_base_ = ['_cityscapes_half_val.py']
crop_size = (512, 512)
synthia_train_pipeline = dict(
    type='TrainPipeline', img_scale=(1280, 760), crop_size=crop_size, cat_max_ratio=0.75
)
cityscapes_train_pipeline = dict(type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size)
data = dict(
    train=dict(
        type='UDADataset',
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            img_dir='RGB',
            ann_dir='GT/LABELS',
            pipeline=synthia_train_pipeline,
        ),
        target=dict(  # its labels are loaded and never used
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline=cityscapes_train_pipeline,
        ),
    )
)
