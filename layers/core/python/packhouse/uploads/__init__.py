"""Uploads: bytes that came by presigned PUT or with a request, whatever their lines are."""
