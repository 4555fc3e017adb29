"""Child processes that never outlive their parent: of the supervisor, and of the servers.

The guardian and the sweeper run without site packages, so all of this needs the standard library only.
"""
