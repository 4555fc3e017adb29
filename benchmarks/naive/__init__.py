"""The usual way to run orders on Celery: one message, one session and one commit for each.

It writes the same tables as Angel-X and is what its throughput is compared with.
"""
