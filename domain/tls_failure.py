"""Why TLS with another host failed, in words that an operator can act on."""

import ssl
from enum import StrEnum
from typing import Final


class TlsFailure(StrEnum):
    """What is wrong; the certificate's text is never quoted."""

    ISSUER_UNKNOWN = "TLS_ISSUER_UNKNOWN"
    NAME_MISMATCH = "TLS_NAME_MISMATCH"
    CERTIFICATE_EXPIRED = "TLS_CERTIFICATE_EXPIRED"
    OTHER = "TLS_FAILED"


# The codes of OpenSSL (x509_vfy.h).
BY_CODE: Final = {
    2: TlsFailure.ISSUER_UNKNOWN,  # the issuer's certificate was not sent, and is not known
    18: TlsFailure.ISSUER_UNKNOWN,  # signed by itself
    19: TlsFailure.ISSUER_UNKNOWN,  # a root that is not trusted
    20: TlsFailure.ISSUER_UNKNOWN,
    21: TlsFailure.ISSUER_UNKNOWN,
    9: TlsFailure.CERTIFICATE_EXPIRED,  # not valid yet
    10: TlsFailure.CERTIFICATE_EXPIRED,
    62: TlsFailure.NAME_MISMATCH,
    64: TlsFailure.NAME_MISMATCH,  # of an address
}


def tls_failure(failure: BaseException) -> TlsFailure | None:
    """What of TLS is behind an exception; None when it is something else, such as a refused connection."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BY_CODE.get(cause.verify_code, TlsFailure.OTHER)
        if isinstance(cause, ssl.SSLError):
            return TlsFailure.OTHER
        cause = cause.__cause__ or cause.__context__
    return None
