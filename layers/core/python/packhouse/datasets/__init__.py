"""Datasets: named containers in a project that group collections."""
