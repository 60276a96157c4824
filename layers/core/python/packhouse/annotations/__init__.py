"""Annotation sets: versioned time segments on audio files (contract B)."""
