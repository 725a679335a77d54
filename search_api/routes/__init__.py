"""The operations of the interface, one module per noun; each only translates between HTTP and a function of ours.

Never decides about access by itself: `search_api.tokens` says who calls, `archive.access` what they may.
"""
