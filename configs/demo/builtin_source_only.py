# Trained on labelled drawings alone: what the adapted network is compared with.
_base_ = ['_builtin.py']
data = dict(train={{_base_._source}})
name = 'builtin_source_only_s0'
