"""Collections: named lists of members, in a dataset or standing alone."""
