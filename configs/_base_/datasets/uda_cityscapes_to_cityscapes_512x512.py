# Supervised training on Cityscapes with the means of adaptation; the target is loaded and never used.
_base_ = ['_cityscapes_half_val.py']
crop_size = (512, 512)
train_pipeline = dict(type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size, cat_max_ratio=0.75)
_domain = dict(
    type='CityscapesDataset',
    data_root='data/cityscapes/',
    img_dir='leftImg8bit/train',
    ann_dir='gtFine/train',
    pipeline=train_pipeline,
)
data = dict(train=dict(type='UDADataset', source=_domain, target=_domain))
