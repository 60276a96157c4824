"""Samples of a dataset version, as a person looks at them: listed by filters, one by one with picture and overlay."""
