# The name HRDA gives to cityscapes_half_512x512.py.
_base_ = ['cityscapes_half_512x512.py']
