"""The canonical definition of a process: its model, how it is read from text, and what names one body of it."""
