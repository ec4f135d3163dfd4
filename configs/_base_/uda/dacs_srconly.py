# Supervised training on the source with the means of DACS (masking, feature distance).
_base_ = ['dacs.py']
uda = dict(source_only=True)
