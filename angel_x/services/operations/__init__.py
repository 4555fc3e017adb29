"""Memory, queues and canaries."""
