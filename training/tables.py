"""Tables as stance pairs."""
