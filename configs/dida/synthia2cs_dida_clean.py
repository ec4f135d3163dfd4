# DIDA, SYNTHIA -> Cityscapes, repaired; see gta2cs_dida_clean.py.
_base_ = ['synthia2cs_dida.py']
uda = dict(instance_bank=dict(mode='clean'))
name = 'synthia2cs_dida_clean_daformer_mitb5_s2'
