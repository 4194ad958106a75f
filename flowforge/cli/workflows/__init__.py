"""Commands over definitions in files: nothing of them needs a server."""
