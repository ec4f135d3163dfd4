"""Banks of instances: making one from a trained network, statistics of one."""
