"""From a pile of scans to a deposit: batches, the work list, the pipeline and its receipt.

Never searches and never issues copies. Start reading at `pipeline`, then `batch`, `intake`, `worklist`.
"""
