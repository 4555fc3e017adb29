"""Records shown to people: statements, audit, access and pages."""
