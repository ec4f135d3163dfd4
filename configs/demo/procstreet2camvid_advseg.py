# Adversarial adaptation in output space (AdaptSegNet: Tsai et al., 2018).
_base_ = ['_procstreet2camvid.py', '../_base_/uda/advseg.py']
data = dict(train=dict(type='UDADataset', source={{_base_._source}}, target={{_base_._target}}))
optimizer_config = None
name = 'procstreet2camvid_advseg_lite0_s0'
