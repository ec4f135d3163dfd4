# ProcStreet -> CamVid, pictures of 960 x 720 seen at half size, with the classes and settings of the smaller pair:
# what networks of one resolution are compared with. `python tools/prepare_procstreet2camvid.py procstreet960 camvid960`
# first.
_base_ = ['_procstreet2camvid.py']
_source = dict(data_root='data/procstreet960/')
_target = dict(type='CamVid960Dataset', data_root='data/camvid960/')
_source_augmented = dict(data_root='data/procstreet960/')
_target_augmented = dict(type='CamVid960Dataset', data_root='data/camvid960/')
_test = dict(type='CamVid960Dataset', data_root='data/camvid960/')
data = dict(val=_test, test=_test)
