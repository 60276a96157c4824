"""Namespaces and projects: the containers that everything else lives in."""
