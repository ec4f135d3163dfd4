"""Damaged inputs for everything that reads files of others: success or one of our errors, in time and in memory."""
