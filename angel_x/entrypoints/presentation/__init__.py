"""How the command line and the demonstration show things to people."""
