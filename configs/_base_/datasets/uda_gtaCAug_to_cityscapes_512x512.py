# GTA with distorted colours, for methods without strong augmentation of their own.
_base_ = ['uda_gta_to_cityscapes_512x512.py']
gta_train_pipeline = dict(photometric=True)
data = dict(train=dict(source=dict(pipeline=gta_train_pipeline)))
