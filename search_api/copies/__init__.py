"""Certified electronic copies: asked for, judged, numbered, signed, issued, revoked and verified.

A copy is revision 1 of an archived file with one mark and one signature; no page is re-encoded. Start at
`model` for the nouns, at `issue` for the story.
"""
