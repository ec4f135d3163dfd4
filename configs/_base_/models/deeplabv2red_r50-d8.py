# Earlier adaptation methods in effect used only these two dilations; kept for comparability.
_base_ = ['deeplabv2_r50-d8.py']
model = dict(decode_head=dict(dilations=(6, 12)))
