"""What the command line says, in Vietnamese first and English on request. Start at `speak`."""
