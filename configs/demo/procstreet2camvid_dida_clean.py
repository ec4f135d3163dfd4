# The same with the repaired bank: what the method says instead of what the released program does (docs/dida.md).
_base_ = ['procstreet2camvid_dida.py']
uda = dict(instance_bank=dict(mode='clean'))
name = 'procstreet2camvid_dida_clean_lite0_s0'
