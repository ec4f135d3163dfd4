_base_ = ['_from_cityscapes_half.py']
dark_zurich_train_pipeline = dict(
    type='TrainPipeline', img_scale=(960, 540), crop_size=(512, 512), labels=False
)
test_pipeline = dict(type='TestPipeline', img_scale=(960, 540))
_set = dict(type='DarkZurichDataset', data_root='data/dark_zurich/')
_val = dict(_set, img_dir='rgb_anon/val', ann_dir='gt/val', pipeline=test_pipeline)
_target = dict(
    _set, img_dir='rgb_anon/train/night/', ann_dir='gt/train/night/', pipeline=dark_zurich_train_pipeline
)
data = dict(train=dict(target=_target), val=_val, test=_val)
