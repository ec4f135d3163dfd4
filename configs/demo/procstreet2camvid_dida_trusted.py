# The repaired bank with pixels weighed by the teacher's confidence and the bank's agreement (docs/dida.md).
_base_ = ['procstreet2camvid_dida.py']
uda = dict(instance_bank=dict(mode='trusted'))
name = 'procstreet2camvid_dida_trusted_lite0_s0'
