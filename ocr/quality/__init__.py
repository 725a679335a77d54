"""Image quality for archivists: measures of a scanned page, dated rules, and a verdict for every rule."""
