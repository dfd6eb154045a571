"""The model of Dawid and Skene (1979), in plain Python."""
