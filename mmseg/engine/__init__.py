"""Building, training and testing: what turns a configuration into a work folder."""
