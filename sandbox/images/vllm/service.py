# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole server: command line, start-up, listening, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from sandbox.guide_time import seconds
from sandbox.images.container import Container
from sandbox.images.tls_files import reload_on_change, server_context
from sandbox.images.vllm.command_line import CommandLineError, Options, parse
from sandbox.images.vllm.engine import Engine
from sandbox.images.vllm.latency import Hardware
from sandbox.images.vllm.metrics import Metrics
from sandbox.images.vllm.prefix_cache import PrefixCache
from sandbox.images.vllm.scheduler import Scheduler
from sandbox.images.vllm.server import Api
from sandbox.images.vllm.startup import Plan, StartupError, check_devices, logger, plan, visible_devices, warm_up
from sandbox.images.vllm.words import of_the_engine, of_the_front

# By image tag, as far as it is known: what /version answers.
VERSIONS = {"3.2.5": "0.11.0+rhai5", "3.3.0": "0.13.0+rhai1"}
DRAIN_SECONDS = 60.0


async def main(argv: Sequence[str], kind: str) -> int:
    """Run the server on hardware of a kind until it is told to stop; the exit code."""
    container = Container.current()
    log = logger(container)
    try:
        options = parse(argv, container.environ)
    except CommandLineError as error:
        print(error, file=sys.stderr, flush=True)
        return error.code
    hardware = Hardware.load(kind)
    log("api_server.py", f"vLLM API server version {version_of(container)}")
    log("api_server.py", f"args: {' '.join(options.words)}")
    try:
        check_devices(visible_devices(container, kind), options, kind, container.environ)
        sizes = plan(await model_folder(container, options), options, hardware, container.environ)
        container.up()
        place = f"{container.namespace}/{container.name}"
        await warm_up(sizes, log, lambda kind, length: container.timeline.play(kind, place, length))
        tls = tls_context(container, options)
    except StartupError as error:
        tell(container, error)
        return 1
    await serve(container, options, hardware, sizes, tls)
    return 0


def tell(container: Container, error: StartupError) -> None:
    """What did not come up, as vLLM prints it."""
    if not error.of_engine:
        for line in of_the_front(str(error)):
            container.log(line)
        return
    log = logger(container)
    for process, line in of_the_engine(str(error)):
        if process:
            log("core.py:708", line, "ERROR", process)
        else:
            container.log(line)


def version_of(container: Container) -> str:
    """The version that belongs to the image's tag."""
    tag = container.environ.get("SANDBOX_IMAGE", "").rpartition(":")[2]
    return VERSIONS.get(tag, VERSIONS["3.2.5"])


async def model_folder(container: Container, options: Options) -> Path:
    """Where the model lies; a name of the hub is downloaded first, as vLLM does."""
    if options.model.startswith(("/", ".")):
        return container.root(options.model)
    from sandbox.images.hub_client import HubError, Repository, download
    from sandbox.network import sockets

    folder = container.root("/root/.cache/huggingface") / options.model
    length = seconds("model_download")
    container.timeline.note("model download", f"{container.namespace}/{container.name}", length)
    try:
        await download(
            Repository.parse(options.model),
            folder,
            environ=container.environ,
            seconds=length,
            log=container.log,
            connector=sockets.connector(),
        )
    except HubError as error:
        raise StartupError(str(error)) from error
    return folder


def tls_context(container: Container, options: Options) -> ssl.SSLContext | None:
    """HTTPS from the mounted files, when the command line names them."""
    if not options.ssl_certfile:
        return None
    try:
        return server_context(container.root(options.ssl_certfile), container.root(options.ssl_keyfile))
    except FileNotFoundError as error:
        raise StartupError(
            f"{options.ssl_certfile} or {options.ssl_keyfile} does not exist. Is the secret mounted there?"
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"{options.ssl_certfile} cannot be used: {error}.") from error


def build(options: Options, hardware: Hardware, sizes: Plan, container: Container) -> tuple[Engine, Api]:
    """The engine and its API."""
    caching = options.prefix_caching and not sizes.is_hybrid
    cache = PrefixCache(sizes.blocks, sizes.block_size, enabled=caching)
    scheduler = Scheduler(cache, hardware, max_num_seqs=sizes.max_num_seqs, max_batched_tokens=sizes.max_batched_tokens)
    metrics = Metrics(
        options.names[0],
        {
            "block_size": str(sizes.block_size),
            "enable_prefix_caching": str(caching),
            "gpu_memory_utilization": str(options.memory_utilization),
            "num_gpu_blocks": str(sizes.blocks),
        },
    )
    engine = Engine(scheduler, metrics)
    log = logger(container)
    api = Api(
        engine,
        names=options.names,
        root=options.model,
        max_model_len=sizes.max_model_len,
        version=version_of(container),
        wire_seconds=hardware.wire_ms / 1000,
        prompt_tokens_details=options.prompt_tokens_details,
        force_include_usage=options.force_include_usage,
        api_keys=options.api_keys,
        log=container.log if options.access_log else None,
        log_requests=(lambda text: log("logger.py", text)) if options.log_requests else None,
    )
    return engine, api


async def serve(
    container: Container, options: Options, hardware: Hardware, sizes: Plan, tls: ssl.SSLContext | None
) -> None:
    """Listen until cancelled, then finish the requests that run."""
    from sandbox.network import sockets

    engine, api = build(options, hardware, sizes, container)
    drain = DRAIN_SECONDS if options.shutdown_timeout is None else options.shutdown_timeout
    # a client that goes away ends its sequence, as in vLLM
    runner = web.AppRunner(api.application(), access_log=None, handler_cancellation=True, shutdown_timeout=drain)
    await runner.setup()
    tasks = [asyncio.create_task(engine.run(), name="engine")]
    if tls and options.ssl_refresh:
        files = container.root(options.ssl_certfile), container.root(options.ssl_keyfile)
        tasks.append(asyncio.create_task(reload_on_change(tls, *files, container.log), name="certificates"))
    try:
        await web.SockSite(runner, sockets.listen(options.port), ssl_context=tls, backlog=1024).start()
        container.log("INFO:     Application startup complete.")
        scheme = "https" if tls else "http"
        container.log(f"INFO:     Uvicorn running on {scheme}://0.0.0.0:{options.port} (Press CTRL+C to quit)")
        # not gather: that would end the engine before the requests that run
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        container.log("INFO:     Shutting down")
        await runner.cleanup()
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        container.log("INFO:     Application shutdown complete.")
