"""Frozen test sets: what is frozen is protected from training, wherever its label packs or samples turn up."""
