# DIDA as published: DAFormer's method + consistency of the similarities to a bank of source features.
_base_ = ['dacs_a999_fdthings.py']
uda = dict(instance_bank=dict(mode='published'))
