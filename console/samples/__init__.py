"""Sample scans as agencies deliver them: invented papers, printed, scanned with a scanner's faults, declared."""
