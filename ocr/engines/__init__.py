"""Readers of one prepared page image, behind one port. Start at `port`; `open` names the adapters."""
