"""Which parts of a document are the steps of a plan."""
