"""Grow an archive of self-improving coding agents, chosen by clade metaproductivity."""

__version__ = "0.1.0"
