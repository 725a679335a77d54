"""The catalogue made again from the vault alone: packages, copies, and the log's segments."""
