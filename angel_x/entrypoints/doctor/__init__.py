"""The checks of ``angel-x doctor``, a module for each subject."""
