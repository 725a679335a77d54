"""The log over the event streams: tree, proofs, signed checkpoints, tiles, and a verifier for others."""
