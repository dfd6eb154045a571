"""Bootstrap confidence intervals of agreement, in plain Python."""
