# DACS + distance to ImageNet features everywhere in the image.
_base_ = ['dacs.py']
uda = dict(imnet_feature_dist_lambda=0.005)
