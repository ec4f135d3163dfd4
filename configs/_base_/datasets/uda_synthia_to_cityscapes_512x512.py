_base_ = ['_to_cityscapes_half.py']
synthia_train_pipeline = dict(
    type='TrainPipeline', img_scale=(1280, 760), crop_size=(512, 512), cat_max_ratio=0.75
)
_source = dict(
    type='SynthiaDataset',
    data_root='data/synthia/',
    img_dir='RGB',
    ann_dir='GT/LABELS',
    pipeline=synthia_train_pipeline,
)
data = dict(train=dict(source=_source))
