_base_ = ['_from_cityscapes_half.py']
acdc_train_pipeline = dict(type='TrainPipeline', img_scale=(960, 540), crop_size=(512, 512), labels=False)
test_pipeline = dict(type='TestPipeline', img_scale=(960, 540))
_set = dict(type='ACDCDataset', data_root='data/acdc/')
_val = dict(_set, img_dir='rgb_anon/val', ann_dir='gt/val', pipeline=test_pipeline)
_target = dict(_set, img_dir='rgb_anon/train', ann_dir='gt/train', pipeline=acdc_train_pipeline)
data = dict(train=dict(target=_target), val=_val, test=_val)
