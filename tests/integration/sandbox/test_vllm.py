# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vLLM stand-in against the OpenAI client, on a model that the storage-initializer stand-in fetched."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest

from sandbox.cloud import hub as model_hub
from sandbox.control_plane.pki import Authority
from sandbox.settings import CHECKOUT, Settings
from tests.integration.sandbox.stand_ins import (
    LONG_PROMPT,
    StandIn,
    listening,
    model_server_arguments,
    wait_until,
)

CLUSTER_INDEX = 92
HUB_PORT = 18443
NAME = "Qwen/Qwen2.5-3B-Instruct"
MARKERS = (
    "Loading safetensors checkpoint shards: 100%",
    "Loading weights took",
    "GPU KV cache size:",
    "Compiling the model with different input shapes",
    "Compiled the model with different input shapes",
    "Uvicorn running on https://0.0.0.0:8000",
)
Make = Callable[..., StandIn]


@pytest.fixture(scope="module")
def hub(settings: Settings) -> Iterator[str]:
    """A running hub; its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.cloud.hub", "--port", str(HUB_PORT)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: listening(model_hub.ADDRESS, HUB_PORT), "the hub")
    yield f"https://{model_hub.ADDRESS}:{HUB_PORT}"
    process.terminate()
    assert process.wait(10) == 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"), "test authority")


@pytest.fixture(scope="module")
def make(
    settings: Settings, authority: Authority, hub: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Make]:
    """Containers with a certificate and a model, each at an address of its own."""
    made: list[StandIn] = []

    def one(*, model: str = f"hf://{NAME}", certificate: bool = True) -> StandIn:
        folder = tmp_path_factory.mktemp("container")
        pod = StandIn(folder, f"10.{CLUSTER_INDEX}.0.{len(made) + 2}", settings, {"HF_ENDPOINT": hub})
        made.append(pod)
        if certificate:
            pod.certify(authority)
        if model:
            pod.start("sandbox.images.storage_initializer", model, "/mnt/models")
            assert pod.finish() == 0, pod.log
            assert pod.log.splitlines()[-1] == f"Successfully copied {model} to /mnt/models"
        return pod

    yield one
    for pod in made:
        pod.stop()


def serve(pod: StandIn, *more: str) -> StandIn:
    pod.start("sandbox.images.vllm", *model_server_arguments(*more), SANDBOX_TPU_CHIPS="4")
    return pod.wait_for("Uvicorn running")


@pytest.fixture(scope="module")
def server(make: Make) -> StandIn:
    """A ready server that tells cached tokens."""
    return serve(make(), f"--served-model-name {NAME} second --enable-prompt-tokens-details")


@pytest.fixture(scope="module")
def http(server: StandIn, authority: Authority) -> Iterator[httpx2.Client]:
    context = ssl.create_default_context(cafile=str(authority.certificate_file))
    with httpx2.Client(base_url=f"https://{server.address}:8000", verify=context, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def client(server: StandIn, http: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"https://{server.address}:8000/v1", api_key="none", http_client=http, max_retries=0)


def metric(http: httpx2.Client, name: str) -> float:
    found = re.findall(rf"^{re.escape(name)}\{{[^}}]*\}} (\S+)$", http.get("/metrics").text, re.MULTILINE)
    assert found, name
    return sum(map(float, found))


def test_markers_come_in_order(server: StandIn) -> None:
    places = [server.log.index(marker) for marker in MARKERS]
    assert places == sorted(places)


def test_paths_are_those_of_vllm(http: httpx2.Client) -> None:
    answers = {
        path: http.get(path).status_code
        for path in ("/health", "/ping", "/version", "/v1/models", "/metrics", "/v1/health", "/")
    }
    assert [path for path, status in answers.items() if status == 404] == ["/v1/health", "/"]
    assert set(answers.values()) == {200, 404}
    assert http.get("/v1/completions").status_code == 405


def test_models_are_listed_by_their_served_names(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [NAME, "second"]


def test_completion_is_deterministic_and_counted(client: openai.OpenAI) -> None:
    one, two = (
        client.completions.create(model=NAME, prompt="Explain machine learning in one sentence:", max_tokens=50)
        for _ in range(2)
    )
    assert one.choices[0].text == two.choices[0].text
    assert one.choices[0].finish_reason == "length"
    assert one.usage and one.usage.completion_tokens == 50
    assert one.usage.total_tokens == one.usage.prompt_tokens + 50


def test_second_request_hits_full_blocks_and_the_metrics_count_tokens(
    client: openai.OpenAI, http: httpx2.Client
) -> None:
    names = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "vllm:request_success_total")
    before = [metric(http, name) for name in names]
    took, usages = [], []
    for _ in range(2):
        began = time.monotonic()
        answer = client.completions.create(model=NAME, prompt=f"salt 1 {LONG_PROMPT}", max_tokens=10)
        took.append(time.monotonic() - began)
        assert answer.usage and answer.usage.prompt_tokens_details
        usages.append(answer.usage)
    length = usages[0].prompt_tokens
    cached = [usage.prompt_tokens_details.cached_tokens for usage in usages if usage.prompt_tokens_details]
    assert cached == [0, (length - 1) // 128 * 128]
    after = [metric(http, name) for name in names]
    assert [new - old for old, new in zip(before, after, strict=True)] == [2 * length, cached[1], 2]
    assert 0.3 < took[1] < took[0] < 1.0


def test_chat_streams_and_ends_with_usage(client: openai.OpenAI) -> None:
    request = {"model": "second", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12}
    whole = client.chat.completions.create(**request)  # type: ignore[call-overload]  # one dict for both calls
    chunks = list(
        client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})  # type: ignore[call-overload]  # the same
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].usage == whole.usage


def test_several_prompts_and_stop_strings(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=NAME, prompt=["One", "Two"], max_tokens=40, stop=["."])
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all("." not in choice.text and choice.finish_reason == "stop" for choice in answer.choices)


@pytest.mark.parametrize(
    ("request_body", "kind", "part"),
    [
        pytest.param({"model": "other", "prompt": "x"}, openai.NotFoundError, "`other` does not exist", id="model"),
        pytest.param(
            {"model": NAME, "prompt": "x " * 3000},
            openai.BadRequestError,
            "maximum context length is 2048",
            id="length",
        ),
        pytest.param({"model": NAME, "prompt": ""}, openai.BadRequestError, "must not be empty", id="empty"),
    ],
)
def test_errors_have_the_shape_that_the_client_reads(
    client: openai.OpenAI, request_body: dict[str, str], kind: type[openai.APIStatusError], part: str
) -> None:
    with pytest.raises(kind, match=part):
        client.completions.create(**request_body)  # type: ignore[call-overload]  # bodies of different errors


def test_bad_json_is_400(http: httpx2.Client) -> None:
    answer = http.post("/v1/completions", content=b"{")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "BadRequestError")


def test_parallel_requests_share_their_steps(client: openai.OpenAI) -> None:
    def ask(number: int) -> None:
        client.completions.create(model=NAME, prompt=f"parallel {number}", max_tokens=10)

    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))
    # one after another they would take 16 times 0.36 s
    assert time.monotonic() - began < 3.0


def test_client_that_leaves_ends_its_request(client: openai.OpenAI, http: httpx2.Client) -> None:
    stream = client.completions.create(
        model=NAME, prompt="x", max_tokens=1500, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    assert metric(http, "vllm:num_requests_running") == 1
    stream.close()
    wait_until(lambda: metric(http, "vllm:num_requests_running") == 0, "the request to end", 5)


def test_sigterm_finishes_what_runs(make: Make, authority: Authority) -> None:
    pod = serve(make())
    context = ssl.create_default_context(cafile=str(authority.certificate_file))
    with ThreadPoolExecutor(1) as pool:
        body = {"prompt": "x", "max_tokens": 40, "ignore_eos": True}
        answer = pool.submit(
            httpx2.post, f"https://{pod.address}:8000/v1/completions", json=body, verify=context, timeout=30
        )
        time.sleep(0.5)
        pod.terminate()
        wait_until(lambda: not listening(pod.address, 8000), "the port to close", 5)
        assert not answer.done()
        assert answer.result().json()["usage"]["completion_tokens"] == 40
    assert pod.finish() == 0
    assert answer.result().json()["usage"]["prompt_tokens_details"] is None


def test_certificate_is_read_again_only_when_asked_to(make: Make, authority: Authority) -> None:
    pods = [serve(make(), "--enable-ssl-refresh"), serve(make())]

    def serial(pod: StandIn) -> str:
        return ssl.get_server_certificate((pod.address, 8000))

    before = [serial(pod) for pod in pods]
    for pod in pods:
        pod.certify(authority, "new.example")
    wait_until(lambda: serial(pods[0]) != before[0], "the new certificate", 10)
    assert serial(pods[1]) == before[1]


def test_nothing_listens_before_it_is_ready(make: Make) -> None:
    pod = make()
    pod.start("sandbox.images.vllm", *model_server_arguments(), SANDBOX_TPU_CHIPS="4", SANDBOX_SPEED="1")
    pod.wait_for("Starting to load model")
    assert not listening(pod.address, 8000)
    pod.terminate()
    assert pod.finish() == 0


@pytest.mark.parametrize(
    ("options", "more", "environ", "code", "part"),
    [
        pytest.param({}, [], {"SANDBOX_TPU_CHIPS": "0"}, 1, "Unable to initialize backend 'tpu'", id="no chips"),
        pytest.param({"model": ""}, [], {}, 1, "config.json", id="no model"),
        pytest.param({"certificate": False}, [], {}, 1, "Is the secret mounted there", id="no certificate"),
        pytest.param({"model": ""}, ["--turbo"], {}, 2, "unrecognized arguments: --turbo", id="unknown flag"),
    ],
)
def test_what_stops_the_real_one_stops_this_one(
    make: Make, options: dict[str, str], more: list[str], environ: dict[str, str], code: int, part: str
) -> None:
    pod = make(**options)
    pod.start("sandbox.images.vllm", *model_server_arguments(*more), **{"SANDBOX_TPU_CHIPS": "4", **environ})
    assert pod.finish() == code
    assert part in pod.log
    assert "/sandbox/" not in pod.log, "no traceback of its own"


@pytest.mark.parametrize(
    ("source", "token", "part"),
    [
        pytest.param("hf://google/gemma-2b-it", "", "GatedRepoError: 401 Client Error", id="gated without token"),
        pytest.param("hf://google/gemma-2b-it", "wrong", "401 Client Error", id="bad token"),
        pytest.param(
            "hf://meta-llama/Llama-3.1-8B-Instruct", "ours", "GatedRepoError: 403 Client Error", id="not granted"
        ),
        pytest.param("hf://Qwen/Nothing", "ours", "RepositoryNotFoundError: 404 Client Error", id="unknown"),
        pytest.param("gs://bucket/model", "", "no other model storage", id="other storage"),
    ],
)
def test_downloads_that_are_refused_say_why(make: Make, settings: Settings, source: str, token: str, part: str) -> None:
    pod = make(model="", certificate=False)
    given = model_hub.ensure_token(settings) if token == "ours" else token
    pod.start("sandbox.images.storage_initializer", source, "/mnt/models", HF_TOKEN=given)
    assert pod.finish() == 1
    assert part in pod.log
    assert "/sandbox/" not in pod.log, "no traceback of its own"


def test_gated_model_comes_with_the_right_token(make: Make, settings: Settings) -> None:
    pod = make(model="", certificate=False)
    token = model_hub.ensure_token(settings)
    pod.start("sandbox.images.storage_initializer", "hf://google/gemma-2b-it", "/mnt/models", HF_TOKEN=token)
    assert pod.finish() == 0, pod.log
    assert len(list((pod.root / "mnt/models").glob("*.safetensors"))) == 2


def test_token_file_is_private_and_the_hub_knows_its_user(hub: str, settings: Settings) -> None:
    file = model_hub.token_file(settings)
    assert file.stat().st_mode & 0o777 == 0o600
    context = ssl.create_default_context(cafile=str(model_hub.authority_file(settings)))
    headers = {"Authorization": f"Bearer {file.read_text(encoding='ascii').strip()}"}
    assert httpx2.get(f"{hub}/api/whoami-v2", headers=headers, verify=context).json()["name"] == "rhaii-sandbox"
    assert httpx2.get(f"{hub}/api/whoami-v2", verify=context).status_code == 401
    whole = httpx2.get(f"{hub}/{NAME}/resolve/main/config.json", verify=context)
    assert (
        httpx2.head(f"{hub}/{NAME}/resolve/main/config.json", verify=context).headers["ETag"] == whole.headers["ETag"]
    )


def test_unreachable_hub_ends_in_time_with_the_likely_cause(make: Make, tmp_path: Path) -> None:
    pod = make(model="", certificate=False)
    pod.start(
        "sandbox.images.storage_initializer", f"hf://{NAME}", "/mnt/models", HF_ENDPOINT="https://127.202.0.1:18444"
    )
    assert pod.finish() == 1
    assert "LocalEntryNotFoundError" in pod.log
