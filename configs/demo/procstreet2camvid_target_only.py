# Oracle: the same network trained on the target's labels, which an adaptation run never sees.
_base_ = ['_procstreet2camvid.py']
data = dict(train={{_base_._target_augmented}})
name = 'procstreet2camvid_target-only_lite0_s0'
