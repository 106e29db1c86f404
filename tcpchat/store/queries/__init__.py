"""Questions to the database, one function each, by theme.

A query takes a connection first, blocks, and raises sqlite3.Error. `Store.ask` and `Reader.ask` run it.
"""
