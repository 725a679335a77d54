"""The front door: the command line and the embedded runner. Nothing imports it. Start at `cli`."""
