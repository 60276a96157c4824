"""Dataset versions: built from explicit, approved label packs, deterministic, with full lineage."""
