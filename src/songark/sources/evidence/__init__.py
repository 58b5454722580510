"""What is said about a file's rights, in and around it, each with its grade."""
