"""A decision in words, for ``tollbar simulate``, the API and the record (SPEC C7).

Account codes are masked here, accepted or not.
"""

from tollbar.policy.attempt import Decision


def as_text(decision: Decision) -> str:
    """Several lines for a person."""
    raise NotImplementedError


def as_dict(decision: Decision) -> dict[str, object]:
    """The same as plain data for JSON."""
    raise NotImplementedError


def as_json(decision: Decision) -> str:
    """The same as one compact line, as stored with each record."""
    raise NotImplementedError
