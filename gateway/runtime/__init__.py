"""What every package may use of the interpreter and the file system: bounded memory, files, the collector."""
