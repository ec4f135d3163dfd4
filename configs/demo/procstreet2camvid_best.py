# The best that was measured (docs/results.md, "Screening"): the combination, trained twice as long as the other runs.
_base_ = ['procstreet2camvid_combination.py']
runner = dict(max_iters=3000)
name = 'procstreet2camvid_best_lite0_s0'
