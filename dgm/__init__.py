"""Grow an archive of self-improving coding agents, chosen by clade metaproductivity."""
