# Source only, with colour augmentation.
_base_ = ['_carla2camvid.py']
data = dict(train={{_base_._source_augmented}})
name = 'carla2camvid_source-only_lite0_s0'
