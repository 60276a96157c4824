"""The HTTP edge that all contexts share: bodies met at the door, problems told in one form, the caller's principal."""
