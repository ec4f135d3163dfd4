# DIDA, GTA -> Cityscapes, repaired, with pixels weighed by how far they may be trusted (docs/dida.md).
_base_ = ['gta2cs_dida_clean.py']
uda = dict(instance_bank=dict(mode='trusted'))
name = 'gta2cs_dida_trusted_daformer_mitb5_s0'
