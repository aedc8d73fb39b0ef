"""An assertion: what an answer must be like, beyond what its type already demands."""

from enum import StrEnum


class AssertionType(StrEnum):
    """What of an answer is looked at."""

    STATUS_CODE = "status_code"
    BODY_CONTAINS = "body_contains"
    BODY_REGEX = "body_regex"
    JSON_PATH = "json_path"
    HEADER = "header"
    RESPONSE_TIME = "response_time"
    CERT_EXPIRY = "cert_expiry"
    DNS_RECORD = "dns_record"


class Operator(StrEnum):
    """How what is seen is held against the value."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    LT = "lt"
    GTE = "gte"
    LTE = "lte"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    MATCHES = "matches"
    NOT_MATCHES = "not_matches"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"


BODY_ASSERTIONS = frozenset({AssertionType.BODY_CONTAINS, AssertionType.BODY_REGEX, AssertionType.JSON_PATH})
"""Those that need the body to be kept."""
