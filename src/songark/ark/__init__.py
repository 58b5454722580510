"""Where everything lies in an ark, and how it is sealed, journaled and locked."""
