"""The command ``angel-x profile``: where time and memory of orders and Greeks go."""
