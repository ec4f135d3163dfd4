# carla800 (frames of a game engine) -> CamVid, fitted into 480 x 360; no two-wheelers in the source.
# `python tools/prepare_procstreet2camvid.py carla800 camvid` first.
_base_ = ['_procstreet2camvid.py']
_source = dict(type='Carla800Dataset', data_root='data/carla800/')
_source_augmented = dict(type='Carla800Dataset', data_root='data/carla800/')
