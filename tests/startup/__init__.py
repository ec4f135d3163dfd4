"""Start-up tests: two iterations of every published (network, method) combination; see docs/experiments.md."""
