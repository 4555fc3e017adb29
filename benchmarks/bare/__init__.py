"""The least that booking orders costs here: a bare psycopg2 loop that writes what a system wrote.

It stores orders and commits; locks their accounts, claims them and reads positions; then writes the
outcome of all of them in one statement and commits.  The rows of orders, events, fills and ledger are
those of a load that a system has done; what accounts and positions come to is folded here.  No HTTP,
no message, no check, no quote.  Statements are prepared, with generic plans.
"""
