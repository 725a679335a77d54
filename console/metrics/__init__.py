"""What a running process counts and measures, served to Prometheus on a port of its own.

It stands in the front door because only there everything is in sight: work lists, index, copies, requests. The
floors below measure without knowing who listens (`ingest.timings`, `archive.stores.timed`, `search_api.door`).

Two kinds of figures, kept apart. What *is* (items waiting, index behind, days to a key's end) is read from the
database when asked, so it is right whichever process died, and is the same from every process. What *happens*
(pages read, seconds of a stage, requests) is counted in memory by one exporter per process tree; worker processes,
which come and go, send each measurement to it as a datagram, so no files of counts are left behind by the dead and
nothing is counted twice. A datagram that finds no exporter is dropped: measuring never holds up work.

Start reading at `exporter`; names and meanings of all figures are in `families` and `meters`. prometheus_client is
imported nowhere else.
"""
