# DIDA as the method is meant: DAFormer's method + a bank that compares calibrated probabilities.
_base_ = ['dacs_a999_fdthings.py']
uda = dict(instance_bank=dict(mode='clean'))
