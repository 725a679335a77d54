"""The public pages: what anyone holding a copy may look up. HTML without script and without anything from outside.

Nothing here needs or knows a login. Start at `routes`.
"""
