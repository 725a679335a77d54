"""The text a PDF's page brings itself: taken out of the file, measured, kept where it is what the page shows."""
