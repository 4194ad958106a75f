"""What a process has loaded before it works stays, and no garbage collection need look at it again."""

import gc


def keep_loaded() -> None:
    """Keep all that is there by now, modules and types, most of the heap, out of later garbage collections.

    A collection that looks through all of it holds every thread up for a tenth of a second. And it is due only when a
    quarter as much again has been added to what it would look at: with less to look at it is not only short, it comes
    often enough that ended workflows do not pile up between two of them. Once in a process is enough.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
