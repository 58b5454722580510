"""A draft becomes a sealed edition: torrents, manifest, metadata, signed feed."""
