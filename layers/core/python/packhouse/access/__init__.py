"""Who may do what: memberships of namespaces, API keys of projects, and the principal they make of a caller."""
