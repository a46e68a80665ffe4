"""What a run's lineages tell: which edit bought what, who wrote which line, and how well the search is doing.

Invariant: pure functions of trees, events and sources; nothing here reads a disk, prints, or loads a numerical library.
"""
