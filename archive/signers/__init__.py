"""Keys that sign, named by their role. Start at `port`; `open` names the adapters."""
