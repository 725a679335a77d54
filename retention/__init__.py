"""Why a record is kept and until when: dated rules, periods, holds.

Never stores or deletes by itself; it says what `archive` may do. Start reading at `schedule`.
"""
