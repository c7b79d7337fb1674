"""The one error of the room."""


class StoreError(Exception):
    """The store cannot be used or written; the text says why, for one line on a terminal."""
