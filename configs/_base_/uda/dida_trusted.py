# dida_clean.py with pixels weighed by the teacher's confidence and the bank's agreement.
_base_ = ['dida_clean.py']
uda = dict(instance_bank=dict(mode='trusted'))
