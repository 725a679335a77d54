"""Who acts, and what they may: principals with their keys and grants, and one pure function that decides.

Nothing here opens content. Start at `policy`; `principals` and `api_keys` make the callers it judges.
"""
