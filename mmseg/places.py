"""Where configurations, programs and tables lie: in the checkout, or in the installed package."""

from pathlib import Path

INSTALLED = Path(__file__).resolve().parent / 'shipped'
"""A wheel holds here what lies beside the package in a checkout, in the same folders (setup.py)."""

ROOT = INSTALLED if INSTALLED.is_dir() else INSTALLED.parents[1]
"""The folder that has ``configs``, ``demo``, ``tools`` and ``run_experiments.py``."""

PACKAGES = INSTALLED.parents[1]
"""The folder that this package is imported from."""
