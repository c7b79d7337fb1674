"""How every schema became the next one (docs/decisions/0018-two-files.md).

A revision names its tables by hand, as they were: it must never read ``store.schema``, which
says what they are today. What was released is never changed again.
"""
