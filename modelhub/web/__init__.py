"""Pages for annotators, reviewers and managers."""
