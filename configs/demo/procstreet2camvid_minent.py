# Entropy minimisation (Vu et al., 2019).
_base_ = ['_procstreet2camvid.py', '../_base_/uda/minent.py']
data = dict(train=dict(type='UDADataset', source={{_base_._source}}, target={{_base_._target}}))
optimizer_config = None
name = 'procstreet2camvid_minent_lite0_s0'
