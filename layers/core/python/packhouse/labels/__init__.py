"""Label packs: labels of one capability in one project, as immutable revisions that are validated, reviewed, approved."""
