"""What an audio file is, by its content: format, length, tags, and whether it is whole."""
