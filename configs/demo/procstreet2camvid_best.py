# The best that was measured (docs/results.md, "Screening"): the combination with masks, trained twice as long as the
# other runs.
_base_ = ['procstreet2camvid_combination_mic.py']
runner = dict(max_iters=3000)
name = 'procstreet2camvid_best_lite0_s0'
