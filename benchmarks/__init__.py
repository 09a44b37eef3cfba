"""Benchmarks of stancewire against what else there is; run from a checkout, not part of the package."""
