"""A run as one self-contained page that opens from the disk.

Invariant: reading takes no lock and changes nothing, and whatever agents, models and tasks wrote is data in the page:
never markup, style or script. `history` reads the log, `details` what takes git and artifacts, `data` makes columns of
both, `document` the page; `browser/` is what runs in it.
"""
