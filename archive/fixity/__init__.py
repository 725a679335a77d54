"""Whether what is kept is still what was stored: checks without end, a second copy of everything, repair from it.

It never takes a store that is away for damage, never replaces what is good, and lifts no lock and no hold.
"""
