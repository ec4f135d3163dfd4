# Self-training with a mean teacher and class mixing.
_base_ = ['_procstreet2camvid.py', '../_base_/uda/dacs.py']
data = dict(train=dict(type='UDADataset', source={{_base_._source}}, target={{_base_._target}}))
optimizer_config = None
name = 'procstreet2camvid_dacs_lite0_s0'
