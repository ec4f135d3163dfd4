# Adaptation to Cityscapes at half scale: the target. Children add the source.
_base_ = ['_cityscapes_half_val.py']
crop_size = (512, 512)
cityscapes_train_pipeline = dict(type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size)
data = dict(
    train=dict(
        type='UDADataset',
        target=dict(  # its labels are loaded and never used
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline=cityscapes_train_pipeline,
        ),
    )
)
