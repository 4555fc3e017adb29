"""An order: its fields, states, denials and rates."""
