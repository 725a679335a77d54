"""The system of record: records, their locked packages, the event log and the keys that sign.

Never knows how a page is read, how a batch is run or that a search index exists.
Start reading at `record`, then `tables`, `ledger`, `events`, `package`, `deposit`.
"""
