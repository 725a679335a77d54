"""The archive package (AIP): one zip of stored members that says what it holds, to us and to strangers.

`json` gives the frozen content its text, `write` makes the zip, `read` opens and checks it; `mets`, `premis`
and `ead` write its metadata. docs/storage.md describes every member.
"""
