# The best combination with a second source beside ProcStreet: frames of a game engine (carla800), scaled to fit.
# `python tools/prepare_procstreet2camvid.py procstreet carla800 camvid` first.
_base_ = ['procstreet2camvid_combination.py']
_procstreet = _base_.data.train.source
data = dict(train=dict(source=[_procstreet, dict(_procstreet, data_root='data/carla800/')]))
name = 'procstreet-carla2camvid_best_lite0_s0'
