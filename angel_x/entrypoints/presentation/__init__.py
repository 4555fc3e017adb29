"""Tables and formats of the command line and of rehearsals."""
