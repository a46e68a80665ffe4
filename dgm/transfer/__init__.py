"""Agents taken to other benchmarks and models: a matrix of measurements, and what it shows.

Invariant: all of it is computed from the logs of the measurements; only which agents were meant is kept beside them.
"""
