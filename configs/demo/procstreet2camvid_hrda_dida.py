# HRDA + the repaired instance bank: two configurations put together. Bank and loss look at the context crop.
_base_ = ['procstreet2camvid_hrda.py']
uda = dict(instance_bank=dict(mode='clean', bank_size=110, classes=[0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 18]))
name = 'procstreet2camvid_hrda_dida_lite0_s0'
