"""JavaScript that definitions bring along, in processes of its own that may come to harm."""
