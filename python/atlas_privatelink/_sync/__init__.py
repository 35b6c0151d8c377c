"""The blocking clients. All but this file and `bulk.py` are derived from `_async` by `make twins`."""
