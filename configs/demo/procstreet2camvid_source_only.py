# Source only, with colour augmentation: what the adapted networks are compared with.
_base_ = ['_procstreet2camvid.py']
data = dict(train={{_base_._source_augmented}})
name = 'procstreet2camvid_source-only_lite0_s0'
