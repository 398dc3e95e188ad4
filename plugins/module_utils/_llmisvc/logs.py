# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Why a program ended, by its own error types and words, wherever in its log they stand.

The words are those that huggingface_hub 0.34.4, 0.36.0 and 2.4.0 wrote when they were run, those in the sources of
KServe's storage initializer (0.20, kserve_storage.py) and tpu-inference (0.27), those of vLLM (0.8, 0.11, 0.19), and,
since libtpu is closed, of libtpu in reports (vllm#19002, jax#13260, jax#22070, jax#37230, tpu-inference#2257,
gvisor#11545).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CauseId
from ansible_collections.rhaii.gke.plugins.module_utils._failure import without_secrets

# A traceback of each of vLLM's processes, and XLA's list of allocations, stand between a cause and the log's end: some
# hundred lines each.
LINES = 2000

LONGEST = 240


@dataclass(frozen=True)
class Cause:
    """What a log says about why its program ended."""

    said: str
    remedy: str
    # the line that says it
    line: str = ""
    id: CauseId = "container-crashes"


@dataclass(frozen=True)
class Sign:
    """Words of a program, and what they mean; `{0}` is the first group of the pattern."""

    pattern: re.Pattern[str]
    # The same, one by one and in small letters: found many times as fast in a long text.
    quick: tuple[re.Pattern[str], ...]
    said: str
    remedy: str
    id: CauseId
    # What follows from something else, and counts where nothing else is found.
    weak: bool = False


def _sign(cause: CauseId, said: str, remedy: str, *words: str, weak: bool = False) -> Sign:
    quick = tuple(re.compile(_small(word), re.MULTILINE) for word in words)
    return Sign(re.compile("|".join(words), re.IGNORECASE | re.MULTILINE), quick, said, remedy, cause, weak)


def _small(pattern: str) -> str:
    return re.sub(r"\\.|[A-Z]+", lambda found: found[0] if found[0].startswith("\\") else found[0].lower(), pattern)


_TOKEN = "Give a token that may read the model (rhaii_hf_token_file), accept the model's terms, and deploy again."
_URI = "Check spec.model.uri; a private model needs a token that may read it (rhaii_hf_token_file)."
_EGRESS = (
    "Let the pods reach the hub on port 443: network policies (egress), firewall, Cloud NAT of private nodes; or serve "
    "from a mirror (HF_ENDPOINT)."
)
_ROOM = "Give the node (its boot disk), or the volume of the model, more room."
_BUCKET_RIGHTS = (
    "Give the account of the service's pods the right to read there (the Secret of its service account; on GKE, "
    "Workload Identity with roles/storage.objectViewer)."
)
_CHIPS = (
    "Lower --max-model-len or --max-num-seqs, raise --gpu-memory-utilization where it is low, or serve the model on "
    "more chips."
)
_ARGUMENTS = "Correct the arguments of the server's container, or take the version of the image that has them."
_CHIPS_GIVEN = (
    "Let the container ask for all chips of its node (google.com/tpu), and see to the node's TPU device plugin "
    "(kubectl -n kube-system get pods -o wide)."
)
_TOPOLOGY = (
    "Let node selectors, google.com/tpu, --tensor-parallel-size and the variables TPU_* of the container fit the "
    "node's machine type and topology."
)

_FULL = (
    _sign(
        "shared-memory-full",
        "the pod's shared memory is full",
        "Mount an emptyDir with medium Memory at /dev/shm.",
        r"no space left on device.{0,40}/dev/shm",
        r"/dev/shm.{0,80}no space left on device",
        r"psm_\w+.{0,40}no space left on device",
    ),
    _sign(
        "volume-full",
        "the volume is full",
        _ROOM,
        r"no space left on device",
        r"disk quota exceeded",
        r"\bENOSPC\b",
        r"not enough free disk space",
    ),
)

_NOT_PERMITTED = (
    _sign(
        "path-not-writable",
        "the container may not write to {0}",
        "Give it a volume there (an emptyDir), or a folder that it may write to (HOME, HF_HOME, VLLM_CACHE_ROOT).",
        r"PermissionError: \[Errno 13\].*?: '?([^'\s]+)",
    ),
)

# The surest first. Behind a LocalEntryNotFoundError stands whatever kept the client from the hub.
_HUB = (
    _sign(
        "hub-certificate-untrusted",
        "the pod does not trust the certificate that it was shown in place of the hub's: a proxy inspects TLS, or a CA "
        "is missing",
        "Let the hub's names pass that proxy without inspection, or give the container its CA (SSL_CERT_FILE and "
        "REQUESTS_CA_BUNDLE), or a mirror that it trusts (HF_ENDPOINT).",
        r"CERTIFICATE_VERIFY_FAILED",
        r"SSLCertVerificationError",
        r"x509: ",
        r"invalid peer certificate",
        r"certificate verify failed",
        r"self[- ]signed certificate",
        r"unable to get (?:local )?issuer certificate",
    ),
    _sign(
        "hub-tls-broken",
        "the TLS connection to the hub was broken off on its way",
        "See what stands between the pods and the hub: a proxy or a firewall that ends TLS, or a plain-HTTP address in "
        "HF_ENDPOINT.",
        r"\bSSLError\b",
        r"SSLEOFError",
        r"SSLZeroReturnError",
        r"\[SSL: ",
        r"ssl\.c:\d+",
    ),
    _sign(
        "hub-proxy-refuses",
        "the proxy that the pod is to use does not let it through to the hub",
        "Correct HTTPS_PROXY of the container, or except the hub from it (NO_PROXY).",
        r"\bProxyError\b",
        r"cannot connect to proxy",
        r"tunnel connection failed",
        r"proxy authentication required",
    ),
    _sign(
        "hub-name-unresolved",
        "the hub's name cannot be resolved",
        "Let the pods reach the cluster's DNS (UDP and TCP port 53) in the network policies, and check the DNS itself.",
        r"name or service not known",
        r"name resolution",
        r"nameresolutionerror",
        r"failed to lookup address",
        r"getaddrinfo",
        r"gaierror",
        r"no such host",
        r"could not resolve",
        r"no address associated with hostname",
        r"nodename nor servname",
        r"\[Errno -[235]\]",
    ),
    _sign(
        "hub-token-refused",
        "the hub refuses the token, or wants one: the model is gated",
        _TOKEN,
        r"GatedRepo",
        r"cannot access gated repo",
        r"trying to access a gated repo",
        r"access to model .{1,200}? is restricted",
        r"not in the authorized list",
        r"awaiting a review",
    ),
    _sign(
        "hub-model-disabled",
        "the hub has switched the model off",
        "Serve another model, or a copy of this one (spec.model.uri).",
        r"DisabledRepo",
        r"access to this resource is disabled",
    ),
    _sign(
        "hub-token-refused",
        "the hub refuses the token, or wants one",
        _TOKEN,
        r"invalid credentials in authorization header",
        r"invalid user token",
        r"user access token .{0,120}? is expired",
        r"illegal header value",
        r"LocalTokenNotFoundError",
        r"token is required",
    ),
    _sign(
        "hub-revision-missing",
        "the hub has no such model revision: it has the model, but not this branch, tag or commit",
        "Check the revision in spec.model.uri (hf://OWNER/MODEL:REVISION).",
        r"revision ?not ?found",
        r"RevisionResolutionError",
        r"is not a valid git identifier",
    ),
    _sign(
        "hub-file-missing",
        "the hub has no such model file: it has the model, but lacks a file that is asked for",
        "Check spec.model.uri: the repository must hold a model with config.json and its weights.",
        r"(?<!local)entry ?not ?found",
    ),
    _sign(
        "hub-model-missing",
        "the hub has no such model, or shows it to its own users alone",
        _URI,
        r"repository ?not ?found",
        r"repo ?not ?found",
        r"BucketNotFound",
        r"is not a valid model identifier listed on",
    ),
    _sign(
        "hub-rate-limit",
        "the hub answers fewer requests than were made (429)",
        "Give a token (rhaii_hf_token_file): requests without one share a limit by address. It passes by itself.",
        r"429 Client Error",
        r"429 Too Many Requests",
        r"HTTP Error 429",
        r"\b429 .{0,40}rate limit",
        r"you have reached your .{0,60}rate limit",
        r"rate limited",
    ),
    _sign(
        "hub-down",
        "the hub itself has a failure",
        "See https://status.huggingface.co; it is tried again by itself.",
        r"\b50[0234] Server Error",
        r"HTTP Error 50[0234]",
        r"Server error '50[0234]",
        r"\b50[0234] (?:Internal Server Error|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out)",
        r"CAS service error",
    ),
    _sign(
        "hub-token-refused",
        "the hub refuses the token, or wants one",
        _TOKEN,
        r"\b40[13] (?:Client Error|Unauthorized|Forbidden)",
        r"Client error '40[13]",
        r"HTTP Error 40[13]",
        r"unauthorized",
        r"\bforbidden\b",
        r"make sure your token has the correct permissions",
    ),
    _sign(
        "hub-offline-mode",
        "the container must not ask the hub (offline mode), and the model is not on its disk",
        "Take HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE from the container, or name a model that lies in a volume.",
        r"OfflineModeIsEnabled",
        r"outgoing traffic has been disabled",
        r"HF_HUB_OFFLINE",
        r"TRANSFORMERS_OFFLINE",
    ),
    _sign(
        "model-uri-invalid",
        "spec.model.uri names no model as the hub does",
        "Write it as hf://OWNER/MODEL, optionally with :REVISION.",
        r"HFValidationError",
        r"HfUriError",
        r"repo id must",
        r"invalid hugging ?face uri",
        r"hugging ?face (?:repository owner|model name) cannot be empty",
    ),
    _sign(
        "hub-download-broken",
        "the download broke off on its way",
        _EGRESS,
        r"consistency check failed",
        r"XetDownloadError",
        r"IncompleteRead",
        r"ChunkedEncodingError",
        r"RemoteProtocolError",
        r"peer closed connection",
        r"connection closed before message completed",
        r"error decoding response body",
    ),
    _sign(
        "hub-unreachable",
        "the hub cannot be reached from the pod",
        _EGRESS,
        r"timed ?out",
        r"timeout ?error",
        r"connect ?timeout",
        r"read ?timeout",
        r"connection refused",
        r"connection reset",
        r"connection aborted",
        r"remote end closed connection",
        r"network is unreachable",
        r"no route to host",
        r"no answer from",
        r"max retries exceeded",
        r"failed to establish a new connection",
        r"\bConnectError\b",
        r"NewConnectionError",
    ),
    _sign(
        "hub-unreachable",
        "the hub cannot be reached from the pod (the network, or the hub is down), and the model is not on its disk",
        _EGRESS,
        r"LocalEntryNotFoundError",
        r"IncompleteSnapshotError",
        r"trying to locate the files? on the Hub",
        r"check your (?:internet )?connection",
        weak=True,
    ),
)

# KServe's storage initializer with s3://, gs://, pvc://, oci:// and others.
_STORAGE = (
    _sign(
        "model-uri-invalid",
        "the storage initializer does not know addresses such as {0}",
        "Write spec.model.uri with hf://, s3://, gs://, pvc:// or oci://.",
        r"cannot recognize storage type for (\S+)",
    ),
    _sign(
        "bucket-credentials",
        "the pod has no credentials for the bucket",
        _BUCKET_RIGHTS,
        r"NoCredentialsError",
        r"unable to locate credentials",
        r"PartialCredentialsError",
        r"DefaultCredentialsError",
        r"could not automatically determine credentials",
        r"your default credentials were not found",
    ),
    _sign(
        "bucket-credentials",
        "the bucket refuses the credentials of the pod: they are wrong or have expired",
        _BUCKET_RIGHTS,
        r"InvalidAccessKeyId",
        r"SignatureDoesNotMatch",
        r"InvalidToken",
        r"ExpiredToken",
        r"RefreshError",
        r"invalid_grant",
    ),
    _sign(
        "bucket-missing",
        "there is no such bucket",
        "Check spec.model.uri.",
        r"NoSuchBucket",
        r"the specified bucket does not exist",
        r"the specified container does not exist",
        r"ContainerNotFound",
        r"bucket .{0,80} not found",
    ),
    _sign(
        "bucket-forbidden",
        "the account of the pod may not read the bucket",
        _BUCKET_RIGHTS,
        r"AccessDenied",
        r"An error occurred \(403\)",
        r"does not have storage\.\S+ access",
        r"api_core\.exceptions\.Forbidden",
        r"AuthorizationFailure",
        r"AuthorizationPermissionMismatch",
    ),
    _sign(
        "bucket-unreachable",
        "the bucket's address cannot be reached from the pod",
        "Check the endpoint in the storage's Secret (s3-endpoint), and let the pods reach it: network policies, "
        "firewall.",
        r"could not connect to the endpoint url",
        r"EndpointConnectionError",
    ),
    _sign(
        "model-path-missing",
        "nothing lies at the model's address",
        "Check spec.model.uri: the path in the bucket or volume, in capital and small letters.",
        r"failed to fetch model\. no model found in (\S+?)\.?(?=\s|$)",
        r"NoSuchKey",
        r"An error occurred \(404\)",
    ),
    _sign(
        "model-path-missing",
        "the volume does not hold the path that spec.model.uri names",
        "Write it as pvc://CLAIM/PATH, and see what the volume holds.",
        r"local path (\S+) does not exist",
        r"cannot locate source uri (\S+) for PVC",
    ),
    _sign(
        "model-image-unreadable",
        "the image that spec.model.uri names holds no model that the initializer can read",
        "Name a modelcar image for the nodes' architecture, with the model beneath /models (oci://HOST/NAME:TAG).",
        r"invalid OCI uri",
        r"OCI image reference cannot be empty",
        r"has no manifest for linux/(\S+)",
        r"has no /models/ directory",
        r"is zstd-compressed",
    ),
    _sign(
        "storage-ca-missing",
        "the CA that the storage is to be checked with is not in the pod",
        "Correct the ConfigMap that the storage initializer's caBundleConfigMapName names.",
        r"failed to find ca bundle file",
    ),
    _sign(
        "model-archive-broken",
        "what the address gives is no model archive",
        "Check spec.model.uri.",
        r"failed to unpack archive file",
        r"did not respond with (?:any of following )?'Content-Type'",
    ),
)

_ENGINE = (
    _sign(
        "server-argument-unknown",
        "the server does not know the argument {0}",
        "Take it out of the arguments of the server's container: this version of vLLM has no such argument. "
        "--disable-log-requests went with 0.12; requests are not logged by default.",
        r"error: unrecognized arguments?: (.+?)(?= \(set |$)",
    ),
    _sign(
        "server-arguments-refused",
        "the server refuses the argument {0} ({1})",
        _ARGUMENTS,
        r"error: argument (\S+): (.{1,80}?)(?= \(choose|$)",
    ),
    _sign(
        "server-arguments-refused",
        "the server cannot do with its arguments as they are ({0})",
        _ARGUMENTS,
        r"error: (?:ambiguous option: (\S+)|the following arguments are required: (.+))",
    ),
    _sign(
        "context-too-long",
        "--max-model-len ({0}) is more than the model itself can do",
        "Lower --max-model-len to the model's own limit (max_position_embeddings in its config.json).",
        r"user-specified max_model_len \((\d+)\) is greater than the derived max_model_len",
        r"max_model_len \((\d+)\) is more than the model's own",
    ),
    _sign(
        "kernel-does-not-build",
        "a kernel does not fit into the {0} of the chip",
        "Take a smaller --block-size, --max-num-seqs or --max-num-batched-tokens, or another version of the image.",
        r"ran out of memory in memory space (vmem|smem)",
    ),
    _sign(
        "chip-memory-too-small",
        "the model does not fit into the memory of the chips: what the weights leave is too little for one sequence of "
        "--max-model-len",
        _CHIPS,
        r"KV cache is needed, which is larger than the available KV cache memory",
        r"larger than the maximum number of tokens that can be stored in KV cache",
        r"more KV cache than",
        r"estimated maximum model length is",
    ),
    _sign(
        "chip-memory-too-small",
        "the model does not fit into the memory of the chips: the weights leave no room for the KV cache",
        _CHIPS,
        r"no available memory for the cache blocks",
        r"available KV cache memory: -",
    ),
    _sign(
        "chip-memory-in-use",
        "the memory of the chips is in use by something else",
        "See what else runs on the node; lower --gpu-memory-utilization otherwise.",
        r"free memory on device .{1,80} is less than desired",
    ),
    _sign(
        "container-out-of-memory",
        "the container has too little memory of its own (not that of the chips)",
        "Give the container a higher memory limit, and nodes with more memory.",
        r"DefaultCPUAllocator",
        r"can(?:not|'t) allocate memory",
        r"^\S*MemoryError\b",
        r"std::bad_alloc",
    ),
    _sign(
        "kernel-does-not-build",
        "the compiler cannot build a kernel of the model for these chips",
        "Take another version of the image (rhaii_image), or another --block-size or --max-num-batched-tokens.",
        r"Mosaic failed to compile",
    ),
    _sign(
        "chip-memory-too-small",
        "the model does not fit into the memory of the chips",
        _CHIPS,
        r"ran out of memory in memory space hbm",
        r"exceeded hbm capacity",
        r"\bof \S+ hbm\b",
        r"RESOURCE_EXHAUSTED.{0,200}(?:memory|allocat|buffer|hbm)",
        r"error allocating device buffer",
        r"attempting to allocate \S+\. that was not possible",
        r"out of ?memory",
        r"failed to allocate request for \S+ on device",
        r"\bRESOURCE_?EXHAUSTED\b(?!.{0,80}message)",
    ),
    _sign(
        "chips-in-use",
        "the chips are in use by another process",
        "See that no other pod of the node uses them, and that an earlier container has ended: delete the pod, and the "
        "node where that does not help.",
        r"device or resource busy",
        r"TPU is already in use",
        r"libtpu(?:\.so)? (?:is )?already in use",
        r"libtpu_lockfile",
        r"couldn't open iommu group",
    ),
    _sign(
        "chips-do-not-fit",
        "the server sees {0} chips and was told to use {1}",
        _TOPOLOGY,
        r"insufficient devices for \S+ mesh: found (\d+), expected (\d+)",
    ),
    _sign(
        "chips-do-not-fit",
        "--tensor-parallel-size ({0}) is more than the chips of the container",
        _TOPOLOGY,
        r"tensor_parallel_size \(?(\d+)\)? is more than",
        r"tensor parallel size \((\d+)\) cannot be larger than",
        r"world size \((\d+)\) is larger than",
    ),
    _sign(
        "chips-do-not-fit",
        "the topology that the container was told is not that of its node",
        _TOPOLOGY,
        r"TPU_RET_CHECK",
        r"worker addresses specified\. expected",
        r"invalid (?:topology|host_bounds|chips_per_host_bounds)",
        r"topology .{0,80}(?:mismatch|does not match)",
        r"(?:invalid|mismatch|inconsistent).{0,60}TPU_\w+_BOUNDS",
        r"TPU_\w+_BOUNDS.{0,60}(?:invalid|mismatch|inconsistent)",
        r"failed to get global TPU topology",
        r"failed to find host bounds",
        r"could not determine TPU accelerator type",
        r"expected (\d+) (?:worker|chips|devices)",
    ),
    _sign(
        "chips-missing",
        "the server finds no chips in its container",
        _CHIPS_GIVEN,
        r"no (?:ba16c7433|jellyfish|TPU|CUDA)\b.{0,20} devices? found",
        r"no accelerators? found",
        r"no TPU found",
        r"TpuPlatform is not available",
        r"failed to infer device type",
        r"no such file or directory: '/dev/vfio",
        r"open\(/dev/(?:vfio|accel)\S*: no such file",
        r"couldn't open /dev/",
        r"failed to open libtpu\.so",
        r"TPU is not available",
        r"no CUDA-capable device",
    ),
    _sign(
        "model-not-supported",
        "this version of vLLM does not know the model's architecture",
        "Serve a model that it supports, or take a newer image (rhaii_image).",
        r"model architectures? \[?(.{1,80}?)\]? (?:are|is) not supported",
        r"model architectures? \[?(.{1,80}?)\]? failed to be inspected",
        r"does not recognize this architecture",
        r"unrecognized model in .{1,120}model_type",
        r"no (?:supported )?implementation .{0,40}for architecture",
    ),
    _sign(
        "model-code-untrusted",
        "the model brings code of its own, which the server must not run without leave",
        "Add --trust-remote-code to its arguments, where its authors are trusted.",
        r"trust_remote_code=True",
        r"contains custom code which must be executed",
        r"requires you to execute the (?:configuration|modeling|tokenizer) file",
    ),
    _sign(
        "tokenizer-broken",
        "the model's tokenizer cannot be loaded",
        "See that the model's folder holds its tokenizer files, name one (--tokenizer), or take a newer image.",
        r"can'?t load tokenizer",
        r"couldn't instantiate the backend tokenizer",
        r"tokenizer class \S+ does not exist",
        r"unable to load vocabulary",
        r"failed to load the tokenizer",
    ),
    _sign(
        "model-does-not-split",
        "the model cannot be split over so many chips: its attention heads are no multiple of --tensor-parallel-size",
        "Take a --tensor-parallel-size that divides them, and a machine type with so many chips.",
        r"total number of attention heads \((\d+)\) must be divisible",
        r"must be divisible by tensor parallel size",
    ),
    _sign(
        "model-not-supported",
        "the server cannot serve a model quantized in this way",
        "Serve another form of the model, or take out --quantization.",
        r"unknown quantization method: ?(\S+)",
        r"(\S+) quantization is currently not supported",
        r"quantization method specified .{0,80}does not match",
        r"not supported for quantization method (\S+)",
    ),
    _sign(
        "model-not-supported",
        "the model, or the chips, cannot do with the numbers of --dtype",
        "Take --dtype=auto or --dtype=bfloat16, which TPUs know.",
        r"unknown dtype",
        r"invalid dtype",
        r"bfloat16 is only supported",
        r"does not support (?:float16|bfloat16|float32)",
        r"torch\.\w+ is not supported",
        r"dtype .{0,40}not supported",
    ),
    _sign(
        "weights-broken",
        "the model's weights are missing or broken: the download did not end well",
        "Delete the pod, so that the model is fetched anew; check spec.model.uri if it stays so.",
        r"cannot find any model weights with",
        r"no \*?\.?safetensors",
        r"SafetensorError",
        r"MetadataIncompleteBuffer",
        r"HeaderTooLarge",
        r"error while deserializing header",
    ),
    _sign(
        "model-configuration-missing",
        "what the server was given holds no model: config.json is missing",
        "Check spec.model.uri, and --model where it is given.",
        r"invalid repository id or local directory specified",
        r"does not appear to have a file named config\.json",
        r"holds no config\.json",
        r"can't load the configuration of",
    ),
    _sign(
        "port-in-use",
        "the server's port is in use already",
        "Give every container of the pod a port of its own (--port), and do not use the host's network.",
        r"address already in use",
    ),
    _sign(
        "server-certificate-missing",
        "the server's certificate ({0}) is not there",
        "See whether KServe has made the Secret with the service's certificate, and whether it is mounted.",
        r"(\S+(?:\.crt|\.pem|\.key)) (?:or \S+ )?does not exist",
        r"FileNotFoundError: .*?'(\S+(?:\.crt|\.pem|\.key))'",
    ),
)

# What the server's own front says of an engine that ended: never why.
_SYMPTOM = re.compile(
    r"Engine core initialization failed|EngineCore failed to start|Engine process failed to start|See root cause above"
    r"|EngineDeadError|EngineCore (?:encountered|died)|died unexpectedly|WorkerProc initialization failed"
    r"|^Exception: Executor failed|RuntimeError: Executor failed",
    re.IGNORECASE | re.MULTILINE,
)
_AT_ANOTHER = re.compile(r"\b(?:gs|s3|https?|abfss?)://|googleapis\.com|amazonaws\.com|botocore|azure", re.IGNORECASE)
_AT_THE_HUB = re.compile(r"hugging ?face|hf\.co\b|\bthe hub\b", re.IGNORECASE)

# (EngineCore_DP0 pid=110) in front, a level, the time and the place
_PROCESS = r"^(?:\([^()]*pid=\d+\) ?)*"
_FRAME = re.compile(
    _PROCESS + r"(?:(?:INFO|DEBUG|WARNING|ERROR|CRITICAL)\b:? {0,5}(?:\d\d-\d\d \d\d:\d\d:\d\d ?)?(?:\[[^\]]*\] ?)?)?"
)
# KServe's: 2026-11-24 12:00:00.123 1 kserve INFO [initializer-entrypoint:<module>():16]
_STAMPED = r"|\d{4}-\d\d-\d\d\S* \S+ \d+ \S+ "
_QUIET = re.compile(_PROCESS + r"(?:(?:INFO|DEBUG)\b|I\d{4} " + _STAMPED + r"(?:INFO|DEBUG) \[)")
# Told and got over: what ended the program stands elsewhere, or follows from it.
_MILD = re.compile(
    _PROCESS + r"(?:WARN(?:ING)?\b|W\d{4} " + _STAMPED + r"WARNING \[)|thrown while requesting|^Retrying in |Warning: "
)
_ERROR = re.compile(r"^(?:[A-Za-z_][\w]*\.)*([A-Z]\w*(?:Error|Exception)): \S")


# A look comes with every change; a log is the same until its container ends again.
_KEPT = 32


@lru_cache(_KEPT)
def initializer_cause(log: str) -> Cause | None:
    """Of a storage initializer that ended."""
    found = _cause(log, (*_FULL, *_STORAGE, *_HUB, *_NOT_PERMITTED))
    if found is None or _AT_THE_HUB.search(log) or not _AT_ANOTHER.search(log):
        return found
    # the same errors of the network, on the way to a bucket
    said = found.said.replace("the hub's", "the storage's").replace("the hub", "the model's storage")
    return replace(found, said=said, remedy=found.remedy.replace("the hub", "the storage"))


@lru_cache(_KEPT)
def server_cause(log: str) -> Cause | None:
    """Of a model server that ended; one that was told a name of the hub downloads the model by itself."""
    found = _cause(log, (*_ENGINE, *_FULL, *_NOT_PERMITTED, *(_HUB if _AT_THE_HUB.search(log) else ())))
    return found or _root(log)


def _cause(log: str, signs: Sequence[Sign]) -> Cause | None:
    """The most telling one; warnings speak where no error does, and symptoms last."""
    loud, mild = _parted(log)
    strong, weak = ([each for each in signs if each.weak is wanted] for wanted in (False, True))
    for text, tried in ((loud, strong), (mild, strong), (loud, weak), (mild, weak)):
        found = next(_matches(text, tried), None)
        if found is not None:
            return found
    return None


def _parted(log: str) -> tuple[str, str]:
    """What says errors, or is not known to say less, and what warns."""
    lines = [line for line in _without_code(log) if not _QUIET.match(line)]
    mild = [line for line in lines if _MILD.search(line)]
    return "\n".join(line for line in lines if not _MILD.search(line)), "\n".join(mild)


def _without_code(log: str) -> Iterator[str]:
    """Without the source lines of tracebacks: they name every error that a program knows."""
    is_code = False
    for line in log.splitlines():
        bare = _FRAME.sub("", line)
        is_place = bare.startswith('  File "')
        is_code = is_place or (is_code and bare.startswith("    "))
        if not is_code:
            yield line


def _matches(text: str, signs: Sequence[Sign]) -> Iterator[Cause]:
    small = text.lower()
    for sign in signs:
        if not any(word.search(small) for word in sign.quick):
            continue
        found = sign.pattern.search(text)
        if found is None:
            continue
        groups = [each.strip() for each in found.groups() if each]
        said = sign.said.format(*groups) if groups or "{0}" not in sign.said else sign.said.replace(" ({0})", "")
        yield Cause(without_secrets(said), sign.remedy, _line(text, found.start()), sign.id)


def _line(text: str, place: int) -> str:
    begin = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    return shown(text[begin : end if end >= 0 else len(text)])


def shown(line: str) -> str:
    """A line of a log without its frame, as it may be repeated."""
    flat = without_secrets(" ".join(_FRAME.sub("", line).split()))
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def _root(log: str) -> Cause | None:
    """What stands above 'see root cause above', in the program's own words."""
    loud, _mild = _parted(log)
    symptom = _SYMPTOM.search(loud)
    if symptom is None:
        return None
    bare = [_FRAME.sub("", line).strip() for line in loud.splitlines()]
    errors = [line for line in bare if _ERROR.match(line) and not _SYMPTOM.search(line)]
    if not errors:
        return None
    said = shown(errors[0])
    return Cause(
        f"its engine ended with {said.rstrip('.')}",
        "Mend what it names; the log of the container says more.",
        said,
        "engine-failed",
    )


__all__ = ("LINES", "Cause", "initializer_cause", "server_cause", "shown")
