"""Pure functions from snapshots to one set of recordings, with every match explained."""
