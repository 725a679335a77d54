"""Real servers for the tests: each brought up by a script on a free port of loopback, in a folder of its own."""
