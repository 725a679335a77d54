"""Where packages lie: one port, one adapter per file. Start at `port`; `open` names the adapters."""
