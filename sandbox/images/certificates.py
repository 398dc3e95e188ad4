# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""X.509 for the stand-ins that issue certificates: cert-manager's and KServe's."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}


class CertificateError(Exception):
    """Material that is no certificate or key, or a request that cannot be met."""


@dataclass(frozen=True)
class Request:
    """What a certificate is to say."""

    common_name: str = ""
    organizations: Sequence[str] = ()
    dns_names: Sequence[str] = ()
    ip_addresses: Sequence[str] = ()
    uris: Sequence[str] = ()
    authority: bool = False
    client: bool = False
    lifetime: datetime.timedelta = datetime.timedelta(days=90)


@dataclass(frozen=True)
class Pair:
    """A certificate with its key, both PEM."""

    certificate: bytes
    key: bytes


def new_key(algorithm: str = "RSA", size: int = 0) -> PrivateKey:
    """A private key as cert-manager's `privateKey` names it."""
    if algorithm == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=size or 2048)
    if algorithm == "ECDSA":
        if (size or 256) not in CURVES:
            raise CertificateError(f"ECDSA has no keys of {size} bits; choose one of {sorted(CURVES)}")
        return ec.generate_private_key(CURVES[size or 256])
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise CertificateError(f"unknown key algorithm {algorithm!r}; choose RSA, ECDSA or Ed25519")


def issue(
    request: Request, key: PrivateKey, signer: Pair | None = None, *, now: datetime.datetime | None = None
) -> Pair:
    """A certificate for `key`, signed by `signer` or by itself."""
    now = now or datetime.datetime.now(datetime.UTC)
    subject = _name(request)
    issuer, signing_key, issuer_public = subject, key, key.public_key()
    if signer is not None:
        issuer_certificate = load_certificate(signer.certificate)
        issuer, signing_key = issuer_certificate.subject, load_key(signer.key)
        issuer_public = signing_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + request.lifetime)
        .add_extension(x509.BasicConstraints(ca=request.authority, path_length=None), critical=True)
        .add_extension(_usage(request), critical=True)
        # strict verifiers want both key identifiers
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
    )
    if not request.authority:
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if request.client else [])]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    names = [
        *[x509.DNSName(name) for name in request.dns_names],
        *[x509.IPAddress(ipaddress.ip_address(address)) for address in request.ip_addresses],
        *[x509.UniformResourceIdentifier(uri) for uri in request.uris],
    ]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not list(subject))
    algorithm = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signing_key, algorithm)
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), pem_key(key))


def pem_key(key: PrivateKey) -> bytes:
    """A private key as unencrypted PKCS 8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate in `pem`; CertificateError when there is none."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateError(f"no certificate in PEM form: {error}") from error


def load_key(pem: bytes) -> PrivateKey:
    """The private key in `pem`; CertificateError when there is none that can sign."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError(f"no private key in PEM form: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise CertificateError(f"a {type(key).__name__} cannot sign certificates")
    return key


def matches(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is for that key."""
    return certificate.public_key() == key.public_key()


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def alternative_names(certificate: x509.Certificate) -> tuple[set[str], set[str]]:
    """The DNS names and the IP addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set(), set()
    return (
        set(found.get_values_for_type(x509.DNSName)),
        {str(address) for address in found.get_values_for_type(x509.IPAddress)},
    )


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether `authority` signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def covers(certificate: x509.Certificate, dns_names: Iterable[str], ip_addresses: Iterable[str]) -> bool:
    """Whether a certificate is for all of these."""
    known_names, known_addresses = alternative_names(certificate)
    return known_names.issuperset(dns_names) and known_addresses.issuperset(ip_addresses)


def _name(request: Request) -> x509.Name:
    return x509.Name(
        [
            *[x509.NameAttribute(NameOID.ORGANIZATION_NAME, item) for item in request.organizations],
            *([x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)] if request.common_name else []),
        ]
    )


def _usage(request: Request) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=request.authority,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
