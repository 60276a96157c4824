"""Label packs: labels of one capability in one project; immutable revisions, validated, reviewed, approved."""
