# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who calls: service account keys, access tokens, and the token review that clusters ask for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.cloud.errors import GoogleError, Json, error_info
from sandbox.cloud.faults import Faults
from sandbox.cloud.project import Account, Project
from sandbox.cloud.state import State, Token, cluster_key

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3600
"""Real seconds: an hour, as Google's."""
CLOCK_SKEW = 300
SCOPE_HELP = "Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."


class GrantError(Exception):
    """The token endpoint refuses: error and description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Key:
    """The public half of an account's key."""

    account: Account
    identity: str
    public: rsa.RSAPublicKey


class Tokens:
    """Gives tokens for signed assertions, and knows the tokens that it gave."""

    def __init__(self, project: Project, state: State, keys: Mapping[str, Key], token_uri: str) -> None:
        self._project = project
        self._state = state
        self._keys = keys
        self._audiences = {
            token_uri,
            "https://oauth2.googleapis.com/token",
            "https://www.googleapis.com/oauth2/v4/token",
        }

    def grant(self, form: Mapping[str, str], now: float) -> Json:
        """The answer of the token endpoint."""
        if form.get("grant_type") != GRANT:
            raise GrantError("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        claims = self._verified(form.get("assertion", ""), now)
        if claims.get("aud") not in self._audiences:
            raise GrantError("invalid_grant", "Invalid JWT: the audience is not this token endpoint.")
        scope = claims.get("scope", "")
        if not scope:
            raise GrantError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        lifetime = Faults(self._state).token_lifetime() or LIFETIME
        token = issue(self._state, claims["iss"], scope, now + lifetime, now)
        return {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}

    def revoke(self, now: float) -> int:
        """Every token that was given so far is none any more; returns how many were."""
        gone = len(self._state.tokens)
        self._state.tokens.clear()
        self._state.tokens_revoked_at = now
        return gone

    def _verified(self, assertion: str, now: float) -> Json:
        """The claims of a signed assertion."""
        try:
            head, body, signature = assertion.split(".")
            header, claims = json.loads(decoded(head)), json.loads(decoded(body))
            raw = decoded(signature)
        except (ValueError, binascii.Error):
            raise GrantError("invalid_grant", "Invalid JWT: it must have three base64url parts.") from None
        key = self._keys.get(str(claims.get("iss")))
        if key is None:
            raise GrantError("invalid_grant", "Invalid grant: account not found")
        if header.get("alg") != "RS256" or header.get("kid", key.identity) != key.identity:
            raise GrantError("invalid_grant", "Invalid JWT Signature.")
        try:
            key.public.verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise GrantError("invalid_grant", "Invalid JWT Signature.") from None
        if not now - CLOCK_SKEW < float(claims.get("exp", 0)) <= now + LIFETIME + CLOCK_SKEW:
            raise GrantError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            )
        return dict(claims)

    def find(self, token: str, now: float) -> Token | None:
        """What an access token stands for; None when it is none or no longer one."""
        known = self._state.tokens.get(fingerprint(token))
        return known if known and known.expires_at > now else None

    def caller(self, header: str, now: float) -> str:
        """The account behind an Authorization header; the 401 of Google otherwise."""
        scheme, _, credential = header.partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise unauthenticated(
                f"Request is missing required authentication credential. {SCOPE_HELP}", "CREDENTIALS_MISSING"
            )
        token = self.find(credential, now)
        if token:
            return token.email
        if credential.count(".") == 2:
            # the generated clients sign a token of their own for each service instead of asking for one
            try:
                claims = self._verified(credential, now)
                # whole seconds, as the signer wrote them
                if float(claims.get("iat", 0)) >= int(self._state.tokens_revoked_at):
                    return str(claims["iss"])
            except GrantError:
                pass
        raise unauthenticated(f"Request had invalid authentication credentials. {SCOPE_HELP}", "ACCESS_TOKEN_EXPIRED")

    def info(self, token: str, now: float) -> Json:
        """The answer of tokeninfo."""
        known = self.find(token, now)
        if known is None:
            raise GrantError("invalid_token", "Invalid Value")
        identity = numeric(known.email)
        return {
            "azp": identity,
            "aud": identity,
            "scope": known.scope,
            "exp": str(int(known.expires_at)),
            "expires_in": str(int(known.expires_at - now)),
            "email": known.email,
            "email_verified": "true",
            "access_type": "online",
        }

    def review(self, body: Any, place: Mapping[str, str], now: float) -> Json:
        """The answer of a cluster's token webhook."""
        spec = body.get("spec", {}) if isinstance(body, dict) else {}
        known = self.find(str(spec.get("token", "")), now)
        exists = cluster_key(place["location"], place["cluster"]) in self._state.clusters
        account = self._project.account(known.email) if known else None
        status: Json = {"authenticated": False}
        if known and account and exists and self._project.knows(place["project"]):
            groups = self._project.iam.groups(account.roles)
            status = {
                "authenticated": True,
                "user": {"username": known.email, "uid": numeric(known.email), "groups": groups},
            }
        return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}


def issue(state: State, email: str, scope: str, expires_at: float, now: float) -> str:
    """A new token, while those that are over are forgotten."""
    for digest, old in list(state.tokens.items()):
        if old.expires_at <= now:
            del state.tokens[digest]
    token = "ya29." + secrets.token_urlsafe(48)
    state.tokens[fingerprint(token)] = Token(email, scope, expires_at)
    return token


def unauthenticated(message: str, reason: str) -> GoogleError:
    """401."""
    headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'}
    return GoogleError("UNAUTHENTICATED", message, details=[error_info(reason, {})], headers=headers)


def fingerprint(token: str) -> str:
    """How a token is remembered."""
    return hashlib.sha256(token.encode()).hexdigest()


def numeric(email: str) -> str:
    """An account's unique id."""
    return str(10**20 + int(hashlib.sha256(email.encode()).hexdigest()[:15], 16))


def decoded(part: str) -> bytes:
    """A base64url part of a JWT."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def key_file(project: Project, account: Account, private_pem: str, token_uri: str) -> Json:
    """A service account's key file, as Google's console gives it."""
    certificates = "https://www.googleapis.com"
    return {
        "type": "service_account",
        "project_id": project.id,
        "private_key_id": hashlib.sha256(private_pem.encode()).hexdigest()[:40],
        "private_key": private_pem,
        "client_email": account.email,
        "client_id": numeric(account.email),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": f"{certificates}/oauth2/v1/certs",
        "client_x509_cert_url": f"{certificates}/robot/v1/metadata/x509/{account.email.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }


def load_key(account: Account, path: Path) -> Key:
    """The public half of what a key file holds."""
    content = json.loads(path.read_text(encoding="utf-8"))
    private = serialization.load_pem_private_key(content["private_key"].encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(f"{path} holds a {type(private).__name__}, wanted an RSA key")
    return Key(account, content["private_key_id"], private.public_key())
