_base_ = ['_to_cityscapes_half.py']
gta_train_pipeline = dict(
    type='TrainPipeline', img_scale=(1280, 720), crop_size=(512, 512), cat_max_ratio=0.75
)
_source = dict(
    type='GTADataset', data_root='data/gta/', img_dir='images', ann_dir='labels', pipeline=gta_train_pipeline
)
data = dict(train=dict(source=_source))
