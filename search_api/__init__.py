"""Find, read, certify: the index over the records, the HTTP interface, and the copies issued from them.

Never takes anything in and never changes a record's package. Its tables (copies, register, requests, jobs,
keys, grants) are in `archive.tables` from the first migration; its feed is the records stream of `archive.events`.
"""
