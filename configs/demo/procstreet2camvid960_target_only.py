# Oracle at half size.
_base_ = ['_procstreet2camvid960.py']
data = dict(train={{_base_._target_augmented}})
name = 'procstreet2camvid960_target-only_lite0_s0'
