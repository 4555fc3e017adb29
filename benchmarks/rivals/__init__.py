"""Other queues doing the same orders on the same tables: one message and one commit an order.

A message carries the id of an order.  The task stores the order, locks its account, claims and books it
in one transaction, with the statements of the bare loop.  There is no HTTP in front of them: a process
puts the messages on the queue, and its CPU counts.
"""
