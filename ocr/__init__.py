"""Pages to searchable PDF/A: open, prepare, read, rebuild.

Knows no record, store, queue or clock. Start reading at `page`, then `images`, `recognise`, `pdfa`, `jail`.
"""
