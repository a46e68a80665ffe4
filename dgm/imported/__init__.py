"""Finished runs of other systems, read into archives of the format that everything here works on.

Invariant: what is read is hostile and only read, never run; nothing is made up: what an output does not tell is said
to be unknown, and what cannot be carried over is listed.
"""
