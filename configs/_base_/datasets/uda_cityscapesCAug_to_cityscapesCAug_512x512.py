# The same with distorted colours in both domains.
_base_ = ['uda_cityscapes_to_cityscapes_512x512.py']
_distorted = dict(photometric=True)
data = dict(train=dict(source=dict(pipeline=_distorted), target=dict(pipeline=_distorted)))
