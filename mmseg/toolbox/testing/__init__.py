"""Test runs: the network of a checkpoint over a data set, scores and pictures of what it says."""
