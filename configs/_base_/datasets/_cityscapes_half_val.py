# What all data sets tested on Cityscapes at half scale share.
dataset_type = 'CityscapesDataset'
data_root = 'data/cityscapes/'
img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
test_pipeline = dict(type='TestPipeline', img_scale=(1024, 512))
_val = dict(
    type='CityscapesDataset',
    data_root='data/cityscapes/',
    img_dir='leftImg8bit/val',
    ann_dir='gtFine/val',
    pipeline=test_pipeline,
)
data = dict(samples_per_gpu=2, workers_per_gpu=4, val=_val, test=_val)
