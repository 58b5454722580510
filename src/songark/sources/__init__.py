"""One file a source: from a licensed dump, delivery or folder to a sealed snapshot."""
