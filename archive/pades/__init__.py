"""Signatures in PDF files (PAdES): marks drawn, revisions signed, signatures checked.

Only this package imports pyHanko. It never converts, repairs or rewrites a page: a signature is an
incremental revision behind bytes that stay as they are. It knows no record, store or clock. Start at `sign`.
"""
