"""The asynchronous clients, from which `make twins` derives the blocking ones in `_sync`."""
