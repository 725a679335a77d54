"""A child process with limits in which untrusted bytes are opened; nothing here decides about pages.

Start reading at `parent` (what callers use); `zygote` is the process inside, `sandbox` the walls around it.
"""
