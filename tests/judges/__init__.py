"""Independent judges of what the archive writes, each asked through its own command line."""
