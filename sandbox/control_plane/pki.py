# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of one cluster: its authority, and what that signs."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)


class Authority:
    """A certificate authority kept as ca.crt and ca.key in a folder; made on first use."""

    def __init__(self, folder: Path, common_name: str) -> None:
        self.folder = folder
        self.certificate_file = folder / "ca.crt"
        self._key_file = folder / "ca.key"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.certificate_file.exists():
            self._create(common_name)

    def _create(self, common_name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = (
            builder(name, name, key.public_key(), key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_file, pem_key(key))
        self.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self.certificate_file.read_text(encoding="ascii")

    def issue(
        self,
        file_name: str,
        common_name: str,
        *,
        organizations: Sequence[str] = (),
        hosts: Iterable[str] = (),
    ) -> tuple[Path, Path]:
        """A certificate and key for server and client use as FILE_NAME.crt and .key; made once."""
        certificate_file, key_file = self.folder / f"{file_name}.crt", self.folder / f"{file_name}.key"
        if not certificate_file.exists():
            certificate, key = self.sign(common_name, organizations=organizations, hosts=hosts)
            write_private(key_file, key)
            certificate_file.write_bytes(certificate)
        return certificate_file, key_file

    def sign(
        self, common_name: str, *, organizations: Sequence[str] = (), hosts: Iterable[str] = ()
    ) -> tuple[bytes, bytes]:
        """A certificate and its key, both PEM; `hosts` are DNS names and IP addresses."""
        signer = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key_file} holds a {type(signer).__name__}, wanted an elliptic curve key")
        issuer = x509.load_pem_x509_certificate(self.certificate_file.read_bytes()).subject
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                *[x509.NameAttribute(NameOID.ORGANIZATION_NAME, item) for item in organizations],
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        request = (
            builder(subject, issuer, key.public_key(), signer.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
        )
        names = [general_name(host) for host in hosts]
        if names:
            request = request.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = request.sign(signer, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), pem_key(key)


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    """What every certificate has; strict verifiers want both key identifiers."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Key usage of an authority, or of what it signs."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(host: str) -> x509.GeneralName:
    """An IP address or a DNS name as a subject alternative name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as unencrypted PKCS 8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_bytes(content)
