# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: vLLM's paths over the engine."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.images import prometheus
from sandbox.images.vllm import answers
from sandbox.images.vllm.engine import Engine
from sandbox.images.vllm.requests import Generation, Prompt, RequestError, generation, read_json
from sandbox.images.vllm.scheduler import Work
from sandbox.images.vllm.text import Answer, answer
from sandbox.images.vllm.tokenizer import chat_prompt, encode, token_id
from sandbox.network.addresses import cluster_address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_BODY = 64 * 2**20
SHOWN_PROMPT = 200


class Api:
    """The OpenAI API over one engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        names: Sequence[str],
        root: str,
        max_model_len: int,
        version: str,
        wire_seconds: float,
        prompt_tokens_details: bool,
        force_include_usage: bool = False,
        api_keys: Sequence[str] = (),
        log: Callable[[str], None] | None = None,
        log_requests: Callable[[str], None] | None = None,
    ) -> None:
        self.engine = engine
        self.names = tuple(names)
        self.root = root
        self.max_model_len = max_model_len
        self.version = version
        self.wire_seconds = wire_seconds
        self.prompt_tokens_details = prompt_tokens_details
        self.force_include_usage = force_include_usage
        self.api_keys = frozenset(api_keys)
        self.log = log
        self.log_requests = log_requests
        self.created = int(time.time())

    def application(self) -> web.Application:
        """The paths that vLLM has; /v1/health is none of them."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._outer])
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/ping", self.health),
                web.post("/ping", self.health),
                web.get("/version", self.version_info),
                web.get("/load", self.load),
                web.get("/metrics", self.metrics),
                web.get("/v1/models", self.models),
                web.post("/v1/completions", self.completions),
                web.post("/v1/chat/completions", self.chat_completions),
                web.post("/tokenize", self.tokenize),
                web.post("/reset_prefix_cache", self.reset_prefix_cache),
            ]
        )
        return app

    @web.middleware
    async def _outer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """API keys, errors as JSON, and the access log."""
        status = 500
        try:
            if self.api_keys and request.path.startswith("/v1"):
                scheme, _, key = request.headers.get("Authorization", "").partition(" ")
                if scheme.lower() != "bearer" or key not in self.api_keys:
                    raise RequestError(401, "Unauthorized")
            response = await handler(request)
            status = response.status
            return response
        except RequestError as error:
            status = error.status
            return web.json_response(error.body(), status=status)
        except web.HTTPException as error:
            status = error.status
            return web.json_response({"detail": error.reason}, status=status, headers=_allow(error))
        finally:
            if self.log:
                phrase = HTTPStatus(status).phrase
                target = f"{request.method} {request.path_qs} HTTP/{request.version.major}.{request.version.minor}"
                self.log(f'INFO:     {peer_of(request)} - "{target}" {status} {phrase}')

    async def health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def version_info(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self.version})

    async def load(self, _: web.Request) -> web.Response:
        scheduler = self.engine.scheduler
        return web.json_response({"server_load": len(scheduler.running) + len(scheduler.waiting)})

    async def metrics(self, _: web.Request) -> web.Response:
        page = self.engine.metrics.page().encode()
        return web.Response(body=page, headers={"Content-Type": prometheus.CONTENT_TYPE})

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response(answers.model_list(self.names, self.root, self.created, self.max_model_len))

    async def tokenize(self, request: web.Request) -> web.Response:
        body = read_json(await request.read())
        text = chat_prompt(body["messages"]) if isinstance(body.get("messages"), list) else str(body.get("prompt", ""))
        tokens = encode(text)
        return web.json_response({"count": len(tokens), "max_model_len": self.max_model_len, "tokens": list(tokens)})

    async def reset_prefix_cache(self, _: web.Request) -> web.Response:
        if not self.engine.idle:
            raise RequestError(400, "The prefix cache cannot be reset while requests run.")
        self.engine.scheduler.cache.reset()
        return web.Response()

    async def completions(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, chat=False)

    async def chat_completions(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, chat=True)

    async def _generate(self, request: web.Request, *, chat: bool) -> web.StreamResponse:
        body = read_json(await request.read())
        asked = generation(body, chat=chat, names=self.names, max_model_len=self.max_model_len)
        request_id = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"
        if self.log_requests:
            self._log_request(request_id, asked, body)
        said = [
            answer(
                prompt.tokens,
                limit=asked.max_tokens,
                stop=asked.stop,
                at_least=asked.min_tokens,
                to_the_limit=asked.ignore_eos,
            )
            for prompt in asked.prompts
        ]
        if self.wire_seconds:
            await asyncio.sleep(self.wire_seconds)
        if asked.stream:
            return await self._stream(request, request_id, asked, said)
        cached = await asyncio.gather(
            *(self._run(prompt, whole, asked) for prompt, whole in zip(asked.prompts, said, strict=True))
        )
        choices = [
            answers.choice(index, (prompt.text if asked.echo else "") + whole.text, whole.finish_reason, chat=chat)
            for index, (prompt, whole) in enumerate(zip(asked.prompts, said, strict=True))
        ]
        used = self._usage(asked, sum(len(whole.pieces) for whole in said), sum(cached))
        created = int(time.time())
        return web.json_response(
            answers.whole_answer(request_id, created, asked.model, choices, used, chat=chat), dumps=_compact
        )

    def _tokens(self, prompt: Prompt, whole: Answer, asked: Generation) -> AsyncGenerator[Work, None]:
        tokens = [token_id(piece) for piece in whole.pieces]
        return self.engine.tokens(prompt.tokens, tokens, salt=asked.salt, finish_reason=whole.finish_reason)

    async def _run(self, prompt: Prompt, whole: Answer, asked: Generation) -> int:
        """Wait for a whole answer; the number of prompt tokens that were cached."""
        cached = 0
        async with aclosing(self._tokens(prompt, whole, asked)) as steps:
            async for work in steps:
                cached = work.cached
        return cached

    async def _stream(
        self, request: web.Request, request_id: str, asked: Generation, said: Sequence[Answer]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        stream = answers.Stream(request_id, int(time.time()), asked.model, chat=asked.chat)
        await response.prepare(request)
        cached = await asyncio.gather(
            *(self._stream_choice(response, stream, index, asked, whole) for index, whole in enumerate(said))
        )
        if asked.include_usage or self.force_include_usage:
            used = self._usage(asked, sum(len(whole.pieces) for whole in said), sum(cached))
            await response.write(stream.closing(used))
        await response.write(stream.DONE)
        await response.write_eof()
        return response

    async def _stream_choice(
        self, response: web.StreamResponse, stream: answers.Stream, index: int, asked: Generation, whole: Answer
    ) -> int:
        prompt = asked.prompts[index]
        told, cached, opened = 0, 0, False
        # closed at once when the client has gone, so that the engine stops working for it
        async with aclosing(self._tokens(prompt, whole, asked)) as steps:
            async for work in steps:
                cached = work.cached
                if not opened:
                    opened = True
                    if asked.chat:
                        await response.write(stream.opening(index))
                    elif asked.echo:
                        await response.write(stream.piece(index, prompt.text))
                text = "".join(whole.pieces[told : work.generated])
                told = work.generated
                reason = whole.finish_reason if work.finished else None
                used = self._usage(asked, told, cached) if asked.continuous_usage else None
                await response.write(stream.piece(index, text, reason, used))
        return cached

    def _usage(self, asked: Generation, completion_tokens: int, cached: int) -> dict[str, Any]:
        prompt_tokens = sum(len(prompt.tokens) for prompt in asked.prompts)
        return answers.usage(prompt_tokens, completion_tokens, cached if self.prompt_tokens_details else None)

    def _log_request(self, request_id: str, asked: Generation, body: Mapping[str, Any]) -> None:
        if not self.log_requests:
            return
        for prompt in asked.prompts:
            shown = prompt.text if len(prompt.text) <= SHOWN_PROMPT else prompt.text[:SHOWN_PROMPT] + "..."
            self.log_requests(
                f"Received request {request_id}: prompt: {shown!r}, params: max_tokens={asked.max_tokens}, "
                f"temperature={body.get('temperature', 1.0)}, stream={asked.stream}, tokens={len(prompt.tokens)}"
            )


def peer_of(request: web.Request) -> str:
    """The caller's address as the cluster knows it."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer:
        return "-"
    return f"{cluster_address(str(peer[0]))}:{peer[1]}"


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
