"""The search index: a projection of the records stream that can be thrown away and made again.

It decides nothing about access: the scope it is given is part of every query. Start at `port`.
"""
