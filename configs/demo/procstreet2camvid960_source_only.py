# Source only at half size, with colour augmentation.
_base_ = ['_procstreet2camvid960.py']
data = dict(train={{_base_._source_augmented}})
name = 'procstreet2camvid960_source-only_lite0_s0'
