"""Whether a role's key may sign at a given moment: asked at start-up, before each file, and by doctor."""

from datetime import datetime, timedelta

from cryptography import x509

from archive.errors import SigningFailed
from archive.signers.port import Credential, Signer


def ready(signer: Signer, role: str, now: datetime) -> Credential:
    """Return the role's credential if its key can sign at now. Raises SigningFailed with what to do."""
    credential = signer.credential(role)
    require_usable(credential, now)
    return credential


def require_usable(credential: Credential, at: datetime) -> None:
    """Raise SigningFailed unless every certificate of the chain is in its validity at the moment given and
    the role's own certificate is meant for signatures that bind (digitalSignature and nonRepudiation)."""
    for certificate in (credential.certificate, *credential.chain):
        name = certificate.subject.rfc4514_string()
        if at > certificate.not_valid_after_utc:
            raise SigningFailed(
                credential.role,
                f"the certificate of {name} expired {certificate.not_valid_after_utc.isoformat()}; renew it",
            )
        if at < certificate.not_valid_before_utc:
            raise SigningFailed(
                credential.role,
                f"the certificate of {name} is not valid before "
                f"{certificate.not_valid_before_utc.isoformat()}; check the clock",
            )
    try:
        usage = credential.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as fault:
        raise SigningFailed(credential.role, "its certificate does not say what the key is for") from fault
    if not (usage.digital_signature and usage.content_commitment):
        raise SigningFailed(
            credential.role, "its certificate lacks the key usages digitalSignature and nonRepudiation"
        )


def time_left(credential: Credential, now: datetime) -> timedelta:
    """Return how long the shortest-lived certificate of the chain still holds; negative once expired."""
    ends = (certificate.not_valid_after_utc for certificate in (credential.certificate, *credential.chain))
    return min(ends) - now
