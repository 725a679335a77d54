"""The searchable PDF/A-2b: images passed through, words laid invisibly with them, room kept for marks.

Runs in the jail. Start reading at `build`; `frame` places a page, `passing` and `encode` make its image,
`layer` its text, `overlay` what was drawn over a scan, `odd_pages` whatever is not one image.
"""
