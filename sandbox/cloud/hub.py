# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model hub: huggingface.co as far as downloads and token checks go.

A process of its own, `python -m sandbox.cloud.hub`, because it stands outside of every cloud and cluster. The
address is that of the name in the sandbox's DNS; certificates come from an authority of its own, which the
stand-in images trust.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import secrets
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from sandbox.network.addresses import PUBLIC_NAMES, bind_port, loopback
from sandbox.settings import Settings

NAME = "huggingface.co"
PUBLIC_ADDRESS = PUBLIC_NAMES[NAME]
ADDRESS = loopback(PUBLIC_ADDRESS)
PORT = 443
SHARD_BYTES = 4096

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Model:
    """One repository."""

    name: str
    gated: str | bool
    granted: bool
    shards: int
    config: Mapping[str, Any]

    @property
    def revision(self) -> str:
        """The commit that `main` stands at."""
        return hashlib.sha1(self.name.encode(), usedforsecurity=False).hexdigest()

    def files(self) -> dict[str, bytes]:
        """The repository's files."""
        described = {"_name_or_path": self.name, **self.config}
        found = {
            "config.json": _json(described),
            "generation_config.json": _json({"temperature": 0.7, "top_p": 0.8}),
            "tokenizer.json": _json({"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}}),
            "tokenizer_config.json": _json({"model_max_length": self.config["max_position_embeddings"]}),
        }
        for shard in range(1, self.shards + 1):
            name = f"model-{shard:05d}-of-{self.shards:05d}.safetensors"
            found[name] = _safetensors(f"{self.name}/{name}")
        return found


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _safetensors(seed: str) -> bytes:
    """A file of the right form: the length of its head, the head, and bytes that mean nothing."""
    content = hashlib.shake_128(seed.encode()).digest(SHARD_BYTES)
    tensor = {"dtype": "U8", "shape": [SHARD_BYTES], "data_offsets": [0, SHARD_BYTES]}
    head = json.dumps({"__metadata__": {"format": "pt"}, "placeholder": tensor}).encode()
    return len(head).to_bytes(8, "little") + head + content


@cache
def catalogue() -> tuple[str, dict[str, Model]]:
    """The one user's name and the models by name."""
    data = yaml.safe_load((Path(__file__).parent / "hub_models.yml").read_text(encoding="utf-8"))
    models = {
        name: Model(name, entry["gated"], bool(entry.get("granted")), int(entry["shards"]), entry["config"])
        for name, entry in data["models"].items()
    }
    return str(data["user"]), models


def token_file(settings: Settings) -> Path:
    """Where the token of the hub's one user is kept."""
    return settings.cloud_dir / "hf-token"


def authority_file(settings: Settings) -> Path:
    """The certificate that clients of the hub trust."""
    return settings.cloud_dir / "hub-ca.pem"


def ensure_token(settings: Settings) -> str:
    """The token; made on first use, for its owner's eyes only."""
    file = token_file(settings)
    if not file.exists():
        settings.cloud_dir.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text("hf_" + secrets.token_urlsafe(26).replace("-", "x").replace("_", "y") + "\n", encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def ensure_certificate(settings: Settings) -> tuple[Path, Path]:
    """The hub's certificate and key; makes its authority on first use."""
    # imported here: a client of the functions above need not load the cryptography
    from sandbox.control_plane.pki import Authority

    authority = Authority(settings.cloud_dir / "hub-pki", "Sandbox hub authority")
    pair = authority.issue("hub", NAME, hosts=[NAME, f"cdn-lfs.{NAME}", PUBLIC_ADDRESS, ADDRESS])
    authority_file(settings).write_text(authority.pem, encoding="ascii")
    return pair


class Hub:
    """The hub's paths."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.user, self.models = catalogue()

    def application(self) -> web.Application:
        """The paths that clients use."""
        app = web.Application(middlewares=[_log])
        app.add_routes(
            [
                web.get("/api/whoami-v2", self.whoami),
                web.get("/api/models/{owner}/{name}", self.model_info),
                web.get("/api/models/{owner}/{name}/auth-check", self.auth_check),
                web.get("/api/models/{owner}/{name}/revision/{revision}", self.model_info),
                web.get("/{owner}/{name}/resolve/{revision}/{file:.+}", self.resolve),
            ]
        )
        return app

    def _authorized(self, request: web.Request) -> bool:
        """Whether the caller is the user; a token that is not theirs is refused whatever they ask for."""
        header = request.headers.get("Authorization", "")
        if not header:
            return False
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), self.token.encode()):
            raise refused(401, "", "Invalid credentials in Authorization header")
        return True

    async def whoami(self, request: web.Request) -> web.Response:
        if not self._authorized(request):
            raise refused(401, "", "Invalid username or password.")
        token = {"type": "access_token", "accessToken": {"displayName": "sandbox", "role": "read"}}
        return web.json_response({"type": "user", "id": "1", "name": self.user, "orgs": [], "auth": token})

    async def model_info(self, request: web.Request) -> web.Response:
        """What is said of a model is open, gated or not."""
        model = self._model(request)
        return web.json_response(
            {
                "_id": model.revision[:24],
                "id": model.name,
                "modelId": model.name,
                "sha": model.revision,
                "private": False,
                "disabled": False,
                "gated": model.gated,
                "pipeline_tag": "text-generation",
                "library_name": "transformers",
                "siblings": [{"rfilename": name} for name in model.files()],
            }
        )

    async def auth_check(self, request: web.Request) -> web.Response:
        """Whether the caller would be given the files."""
        self._let_in(request, self._model(request))
        return web.json_response({})

    def _let_in(self, request: web.Request, model: Model) -> None:
        if model.gated:
            if not self._authorized(request):
                raise refused(401, "GatedRepo", f"Access to model {model.name} is restricted. Log in to use it.")
            if not model.granted:
                raise refused(403, "GatedRepo", f"Access to model {model.name} is restricted and not granted to you.")

    async def resolve(self, request: web.Request) -> web.Response:
        model = self._model(request)
        self._let_in(request, model)
        content = model.files().get(request.match_info["file"])
        if content is None:
            raise refused(404, "EntryNotFound", "Entry not found")
        etag = hashlib.sha256(content).hexdigest()
        return web.Response(
            body=content,
            headers={
                "Content-Type": "application/octet-stream",
                "ETag": f'"{etag}"',
                "X-Repo-Commit": model.revision,
                "Accept-Ranges": "none",
            },
        )

    def _model(self, request: web.Request) -> Model:
        authorized = self._authorized(request)
        model = self.models.get(f"{request.match_info['owner']}/{request.match_info['name']}")
        if model is None:
            # whoever is not logged in may not learn whether a private one exists
            raise refused(404 if authorized else 401, "RepoNotFound", "Repository not found")
        revision = request.match_info.get("revision", "main")
        if revision not in ("main", model.revision):
            raise refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return model


def refused(status: int, code: str, message: str) -> web.HTTPException:
    """An error answer with the headers by which the hub's clients tell causes apart."""
    kinds = {401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}
    headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
    return kinds[status](text=json.dumps({"error": message}), content_type="application/json", headers=headers)


@web.middleware
async def _log(request: web.Request, handler: Handler) -> web.StreamResponse:
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        print(f"{request.remote} {request.method} {request.path} {status}", flush=True)


def listen(address: str, port: int) -> socket.socket:
    """A listening socket."""
    made = socket.create_server((address, bind_port(port)), backlog=256)
    made.setblocking(False)
    return made


async def serve(settings: Settings, address: str = ADDRESS, port: int = PORT) -> None:
    """Serve until cancelled."""
    certificate, key = ensure_certificate(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(Hub(ensure_token(settings)).application(), access_log=None, shutdown_timeout=2)
    await runner.setup()
    listener = listen(address, port)
    try:
        await web.SockSite(runner, listener, ssl_context=context).start()
        host, bound = listener.getsockname()
        print(f"Model hub {NAME} at https://{host}:{bound}", flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.cloud.hub", description="The sandbox's model hub.")
    parser.add_argument("--port", type=int, default=PORT, help="for a second hub beside a running sandbox")
    task = asyncio.create_task(serve(Settings.load(), port=parser.parse_args(argv).port))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    asyncio.run(main())
