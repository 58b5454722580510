"""Read models for people: the report, and bytes over HTTP through the gate."""
