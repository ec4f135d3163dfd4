# DAFormer + DIDA's instance bank, as published (docs/dida.md): ten rows for each class that both sides tell apart.
# The bank fills itself; docs/results.md shows how to build one first and give it as uda.instance_bank.bank_file.
_base_ = ['procstreet2camvid_daformer.py']
uda = dict(instance_bank=dict(mode='published', bank_size=110, classes=[0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 18]))
name = 'procstreet2camvid_dida_lite0_s0'
