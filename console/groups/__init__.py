"""The commands by group, each with its arguments and help; what they do is in the modules they call."""
