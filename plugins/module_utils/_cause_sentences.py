# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
# Rendered from docs/troubleshooting.yml by `python -m tests.prove.render`: change it there.
"""What people are told of each cause, since modules read no files."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CAUSES, CauseId

# fmt: off
# cause, symptom and cure
SENTENCES: Mapping[CauseId, tuple[str, str, str]] = {
    "api-server-unreachable": (
        "The API server does not answer, or does not let this account look.",
        "Every task that reads from the cluster fails.",
        "See that the cluster is up and not being upgraded, that the kubeconfig or token is valid, and that "
        "the account may read.",
    ),
    "helm-release-interrupted": (
        "A Helm that was killed has left its release half-way; Helm then refuses every further change to it.",
        "Helm says \"another operation (install/upgrade/rollback) is in progress\".",
        "Run deploy.yml again, which takes the pending revision out of Helm's record and goes on; no object "
        "goes.",
    ),
    "secret-missing": (
        "A Secret that the environment needs is not there.",
        "Pods wait for it, or cannot pull their image or download the model.",
        "Run deploy.yml, which makes it from your files (rhaii_pull_secret_file, rhaii_hf_token_file).",
    ),
    "secret-managed-elsewhere": (
        "A Secret that the environment needs is kept by somebody else, such as External Secrets or Argo CD.",
        "What deploy.yml writes is refused, or set back some time later.",
        "Let whoever keeps it give it the right content, or delete it there and run deploy.yml.",
    ),
    "operator-unavailable": (
        "An operator's Deployment has fewer pods available than it wants.",
        "Services and gateways are not looked at, or changes to them are refused by a webhook without "
        "endpoints.",
        "See why its pods do not run (kubectl describe pod), mend that, and run deploy.yml again.",
    ),
    "kserve-missing": (
        "The cluster does not know LLMInferenceServices at all.",
        "The resource type \"llminferenceservice\" is not known.",
        "Run deploy.yml, which installs the operators; check that the kubeconfig names the right cluster.",
    ),
    "service-missing": (
        "There is no service of that name in the namespace.",
        "The service is not found.",
        "Check name and namespace, or run deploy.yml.",
    ),
    "service-being-deleted": (
        "The service is being deleted.",
        "It carries a deletionTimestamp, and its pods go.",
        "Wait until it is gone, and run deploy.yml.",
    ),
    "service-stopped": (
        "The service is stopped by its annotation serving.kserve.io/stop.",
        "It has no pods and no route, although its status may still show a URL.",
        "Take the annotation off (kubectl annotate llminferenceservice SERVICE -n NAMESPACE "
        "serving.kserve.io/stop-).",
    ),
    "service-without-replicas": (
        "The service asks for no replicas, so that nothing serves.",
        "The service says that it is ready, and requests fail.",
        "Set spec.replicas, or rhaii_replicas, and run deploy.yml.",
    ),
    "replicas-set-elsewhere": (
        "Something else has set another number of replicas than the environment wants.",
        "The service has more or fewer pods than it should.",
        "Set spec.replicas to what is wanted with scale.yml, or take away what scales it.",
    ),
    "controller-not-observing": (
        "KServe's controller has not looked at the newest form of the service.",
        "The status speaks of an older generation than the service has.",
        "See whether the controller runs (kubectl get pods -n GATEWAY_NAMESPACE), and its log.",
    ),
    "preset-missing": (
        "A preset (LLMInferenceServiceConfig) that the service is made of does not exist.",
        "The condition PresetsCombined is False with ConfigNotFound.",
        "Run deploy.yml, which installs the presets with KServe, or correct spec.baseRefs.",
    ),
    "spec-refused": (
        "The spec of the service and its presets do not give a valid whole.",
        "The condition PresetsCombined is False with CombineBaseError or InvalidRenderedConfig.",
        "Correct the spec, or the preset, as the message says.",
    ),
    "scaling-api-missing": (
        "The service is to be scaled by something that the cluster does not have.",
        "A condition is False with ScalingCRDNotFound.",
        "Install what the message names, or set spec.replicas in place of spec.scaling.",
    ),
    "controller-cannot-reconcile": (
        "KServe's controller cannot make what the service needs.",
        "A condition is False with a reason that ends in ReconcileError.",
        "Correct what the message names; the controller's log says more.",
    ),
    "deployment-not-made": (
        "KServe has not made the Deployment of the model's replicas yet.",
        "The service has no pods, and no Deployment SERVICE-kserve.",
        "See the conditions of the service, and the log of KServe's controller.",
    ),
    "pods-refused": (
        "A policy, a quota or a webhook of the cluster does not let the pods in.",
        "The Deployment has the condition ReplicaFailure, and no pods come.",
        "Correct the pod template, or the policy or quota that the message names. GKE wants TPU pods to "
        "select accelerator and topology.",
    ),
    "too-few-tpu-nodes": (
        "The TPU pool has fewer nodes than there are to be replicas.",
        "Only some of the replicas start, and the others stay Pending.",
        "Run scale.yml or deploy.yml, which bring the pool to its size, or say what holds it back, such as "
        "quota or no capacity in the zone (preflight.yml).",
    ),
    "node-not-ready": (
        "A node is not ready, or is lost.",
        "Its pods do not serve, and none comes to it.",
        "Wait while it comes up or is repaired; delete its machine where it stays so, and GKE makes another.",
    ),
    "node-cordoned": (
        "A node takes no pods, as while GKE upgrades the pool.",
        "It shows SchedulingDisabled.",
        "Wait for the upgrade's end, or let it take pods again (kubectl uncordon NODE).",
    ),
    "node-going": (
        "A node is about to go, as spot machines and nodes that the autoscaler takes away.",
        "It carries the taint of its end, and its pods move.",
        "Wait for another node; use machines that stay (rhaii_provisioning) where that happens too often.",
    ),
    "node-under-pressure": (
        "A node lacks disk, memory or process ids.",
        "It evicts pods, and takes no new ones.",
        "Give the pool larger boot disks, or see what else fills the node.",
    ),
    "node-without-chips": (
        "The device plugin of a node reports no healthy chips.",
        "The node is ready, and its allocatable google.com/tpu is 0.",
        "Check the TPU device plugin on it (kubectl get pods -n kube-system -o wide); recreate the node where "
        "it stays so.",
    ),
    "rollout-deadlock": (
        "A new replica waits for chips that only old replicas could give back, and they stay until the new "
        "one is ready.",
        "A pod of the newest form stays Pending with \"Insufficient google.com/tpu\" while all older ones "
        "serve, and the service says that it is ready.",
        "Run deploy.yml, which replaces one replica at a time. By hand, lower spec.replicas by one, wait, and "
        "raise it again.",
    ),
    "taint-not-tolerated": (
        "The nodes have a taint that the pod does not tolerate.",
        "The pod stays Pending with \"untolerated taint\".",
        "Let the pod tolerate the taint that the message names, or take it off the nodes.",
    ),
    "no-node-matches": (
        "No node has the labels that the pod selects, such as accelerator and topology.",
        "The pod stays Pending with \"didn't match Pod's node affinity/selector\".",
        "Compare the pod's nodeSelector with the pool's labels, and run deploy.yml with the right "
        "rhaii_accelerator and rhaii_tpu_topology.",
    ),
    "nodes-full": (
        "The nodes have no room left for the pod.",
        "The pod stays Pending for cpu, memory or the number of pods, or its node refuses it (OutOf…).",
        "Lower what the pod asks for, or take more or larger nodes.",
    ),
    "no-free-chips": (
        "No node has as many free chips as the pod asks for.",
        "The pod stays Pending with \"Insufficient google.com/tpu\".",
        "See whether the node pool is still coming up or is too small, and what else uses its chips.",
    ),
    "volume-claim-unbound": (
        "The pod names a claim that is not there, or not bound.",
        "The pod stays Pending, and its message names the PersistentVolumeClaim.",
        "Create the claim, and see why it is not bound (kubectl describe pvc).",
    ),
    "volume-in-another-zone": (
        "The pod's volume lies in another zone than the nodes.",
        "The pod stays Pending with \"volume node affinity conflict\".",
        "Use a volume in the zone of the nodes.",
    ),
    "pod-gated": (
        "Something holds the pod back before it is scheduled, such as a queue with its quota.",
        "The pod shows SchedulingGated.",
        "See to whoever set the gate, such as Kueue.",
    ),
    "pod-unscheduled": (
        "The scheduler has no node for the pod, for a reason that is not known here.",
        "The pod stays Pending.",
        "Mend what the scheduler's message names.",
    ),
    "node-refuses-chips": (
        "The node's device plugin could not give the pod its chips.",
        "The pod fails with UnexpectedAdmissionError or OutOfgoogle.com/tpu, and another one follows.",
        "Check the node's TPU device plugin; recreate the node where its chips stay unhealthy.",
    ),
    "node-refuses-pod": (
        "The pod's node did not let it in.",
        "Pods fail one after the other before they have begun.",
        "Let the pod's selectors, tolerations and settings fit the nodes, as the message says.",
    ),
    "pod-evicted": (
        "The pod was ended to free what it used, for a more important pod, or because it may not run so long.",
        "Pods fail with Evicted, Preempting or DeadlineExceeded.",
        "Let the pod say what it needs (requests, ephemeral-storage), or give the nodes more of it.",
    ),
    "node-lost": (
        "The pod's node shut down, was lost or was recreated.",
        "Its pods fail with Terminated, NodeLost or ContainerStatusUnknown, and others take their place.",
        "Nothing, if it does not come again; use machines that are not spot otherwise.",
    ),
    "pull-secret-missing": (
        "The registry wants a login, and the pod names no pull secret, or one that is not there.",
        "The pod shows ErrImagePull or ImagePullBackOff, and the message has 401 or unauthorized.",
        "Give rhaii_pull_secret_file and run deploy.yml, which puts the secret into each namespace and on "
        "each service account that needs it.",
    ),
    "pull-secret-without-login": (
        "The pull secret has no login for the registry of the image.",
        "The pod shows ImagePullBackOff with 401 or unauthorized, and the secret is there.",
        "Give a pull secret with a login for that registry (rhaii_pull_secret_file), and run deploy.yml.",
    ),
    "pull-secret-refused": (
        "The registry refuses the login of the pull secret.",
        "The pod shows ImagePullBackOff with 401, 403 or denied.",
        "Get a new pull secret, see that its account may read the image, and run deploy.yml.",
    ),
    "node-may-not-read-registry": (
        "The service account of the nodes may not read the registry of Google's that the image lies in.",
        "The pod shows ImagePullBackOff with 403 from gcr.io or pkg.dev.",
        "Give the nodes' account roles/artifactregistry.reader on the repository.",
    ),
    "image-missing": (
        "The registry does not have the image or its tag.",
        "The pod shows ImagePullBackOff with \"not found\" or \"manifest unknown\".",
        "Correct the image (rhaii_image), and run deploy.yml.",
    ),
    "image-name-invalid": (
        "The image's name is not valid, or must not be pulled.",
        "The pod shows InvalidImageName or ErrImageNeverPull.",
        "Correct the name (rhaii_image), or the imagePullPolicy.",
    ),
    "image-of-another-platform": (
        "The registry has the image, but not for the architecture of the nodes.",
        "The message has \"no match for platform in manifest\".",
        "Give an image for linux/amd64 (rhaii_image).",
    ),
    "image-unsigned": (
        "A signature policy of the nodes does not take the image.",
        "The pod shows SignatureValidationFailed.",
        "Sign the image, or let the policy take it.",
    ),
    "registry-rate-limit": (
        "The registry answers fewer requests than were made.",
        "The message has \"toomanyrequests\" or 429.",
        "Wait, since it is tried again by itself; a login has a limit of its own.",
    ),
    "registry-certificate-untrusted": (
        "The node does not trust the certificate that it is shown for the registry, as with a proxy that "
        "inspects TLS.",
        "The message has \"x509\" or \"unknown authority\".",
        "Let the registry pass uninspected, or give the nodes its CA.",
    ),
    "registry-name-unresolved": (
        "The node cannot resolve the registry's name.",
        "The message has \"no such host\".",
        "See to the nodes' DNS, and Cloud NAT or Private Google Access of private nodes.",
    ),
    "registry-unreachable": (
        "The registry does not answer the node.",
        "The message has a timeout, \"connection refused\" or \"connection reset\".",
        "Let the nodes reach the registry on port 443 (firewall, Cloud NAT).",
    ),
    "node-disk-full": (
        "The node's disk has no room for the image.",
        "The message has \"no space left on device\".",
        "Give the nodes a larger boot disk.",
    ),
    "image-not-pulled": (
        "The image cannot be pulled, for a reason that is not known here.",
        "The pod shows ErrImagePull or ImagePullBackOff.",
        "Mend what the message names.",
    ),
    "configuration-missing": (
        "A Secret or ConfigMap that the pod names, or a key in it, is not there.",
        "The pod shows CreateContainerConfigError, or stays ContainerCreating with FailedMount.",
        "Create what the message names; the pod then goes on by itself.",
    ),
    "container-cannot-run": (
        "The runtime cannot make or start the container.",
        "The pod shows CreateContainerError, RunContainerError or StartError.",
        "Correct what the message names, such as command, mounts, devices or user.",
    ),
    "pod-network-not-made": (
        "The node cannot set up the pod's network or its sandbox.",
        "The pod shows CreatePodSandboxError.",
        "See to the node's network, and whether its subnet has addresses left.",
    ),
    "container-out-of-memory": (
        "A container used more memory than its limit (the node's memory, not that of the chips).",
        "The pod shows OOMKilled, or its log says that memory cannot be allocated.",
        "Raise the container's memory limit; that of the storage initializer stands in the ConfigMap "
        "inferenceservice-config.",
    ),
    "shared-memory-full": (
        "The pod's shared memory is full.",
        "The log says \"no space left on device\" about /dev/shm.",
        "Mount an emptyDir with medium Memory at /dev/shm.",
    ),
    "volume-full": (
        "The volume that the model is written to is full.",
        "The log says \"no space left on device\".",
        "Give the node's boot disk, or the volume, more room.",
    ),
    "path-not-writable": (
        "The container may not write to a path that it wants to write to.",
        "The log has a PermissionError.",
        "Give it a volume there, or a folder that it may write to (HOME, HF_HOME, VLLM_CACHE_ROOT).",
    ),
    "probe-too-short": (
        "A probe ends the server before it is up.",
        "Events say that the liveness or startup probe failed, and the container restarts.",
        "Give it longer, by a startupProbe or a higher initialDelaySeconds or failureThreshold.",
    ),
    "hub-certificate-untrusted": (
        "The pod does not trust the certificate that it is shown for the hub; a proxy inspects TLS, or a CA "
        "is missing.",
        "Init crash loop with CERTIFICATE_VERIFY_FAILED.",
        "Let the hub pass uninspected, or give the container the CA (SSL_CERT_FILE, REQUESTS_CA_BUNDLE), or a "
        "mirror that it trusts (HF_ENDPOINT).",
    ),
    "hub-tls-broken": (
        "The TLS connection to the hub is broken off on its way.",
        "Init crash loop with an SSLError.",
        "See to the proxy or firewall between pods and hub, and to a plain-HTTP address in HF_ENDPOINT.",
    ),
    "hub-proxy-refuses": (
        "The proxy that the pod is to use does not let it through.",
        "Init crash loop with a ProxyError.",
        "Correct HTTPS_PROXY of the container, or except the hub from it (NO_PROXY).",
    ),
    "hub-name-unresolved": (
        "The pod cannot resolve the hub's name.",
        "Init crash loop with \"name resolution\" or \"getaddrinfo\" in the log.",
        "Let the pods reach the cluster's DNS (UDP and TCP port 53) in the network policies; run deploy.yml "
        "for ours.",
    ),
    "hub-token-refused": (
        "The hub refuses the token, or wants one since the model is gated.",
        "Init crash loop with 401, 403 or GatedRepoError.",
        "Give a token that may read the model (rhaii_hf_token_file), accept the model's terms, and run "
        "deploy.yml.",
    ),
    "hub-model-disabled": (
        "The hub has switched the model off.",
        "Init crash loop with DisabledRepoError.",
        "Serve another model, or a copy of this one.",
    ),
    "hub-revision-missing": (
        "The hub has the model, but not this branch, tag or commit.",
        "Init crash loop with RevisionNotFoundError.",
        "Correct the revision in the model's uri.",
    ),
    "hub-file-missing": (
        "The hub has the model, but lacks a file that is asked for.",
        "Init crash loop with EntryNotFoundError.",
        "Correct the model's uri; the repository must hold config.json and weights.",
    ),
    "hub-model-missing": (
        "The hub has no such model, or shows it to its own users alone.",
        "Init crash loop with RepositoryNotFoundError.",
        "Correct the model's uri; a private model needs a token that may read it (rhaii_hf_token_file).",
    ),
    "hub-rate-limit": (
        "The hub answers fewer requests than were made.",
        "The log has 429.",
        "Give a token (rhaii_hf_token_file); it passes by itself otherwise.",
    ),
    "hub-down": (
        "The hub itself has a failure.",
        "The log has 500, 502, 503 or 504 of the hub.",
        "See https://status.huggingface.co; it is tried again by itself.",
    ),
    "hub-offline-mode": (
        "The container must not ask the hub, and the model is not on its disk.",
        "The log names HF_HUB_OFFLINE or OfflineModeIsEnabled.",
        "Take HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE from the container, or name a model that lies in a "
        "volume.",
    ),
    "hub-download-broken": (
        "The download broke off on its way.",
        "The log has IncompleteRead or \"consistency check failed\".",
        "It is tried again by itself; see to the network where it stays so.",
    ),
    "hub-unreachable": (
        "The pod cannot reach the hub, for a network policy, a firewall or a missing Cloud NAT.",
        "Init crash loop with timeouts or refused connections.",
        "Let the pods reach port 443 outside (network policies, firewall, Cloud NAT), or serve from a mirror "
        "(HF_ENDPOINT).",
    ),
    "model-uri-invalid": (
        "The model's uri is none that the storage initializer knows.",
        "The log says that the storage type is not recognized, or that the repo id is not valid.",
        "Write it as hf://OWNER/MODEL, s3://, gs://, pvc:// or oci://.",
    ),
    "model-path-missing": (
        "Nothing lies at the model's address in the bucket or volume.",
        "The log says that no model was found, or that a path does not exist.",
        "Correct the path in the model's uri, in capital and small letters.",
    ),
    "model-image-unreadable": (
        "The image that the uri names holds no model that the initializer can read.",
        "The log speaks of an invalid OCI uri, or of a missing /models folder.",
        "Name a modelcar image for the nodes' architecture, with the model beneath /models.",
    ),
    "model-archive-broken": (
        "What the address gives is no model archive.",
        "The log says that the archive cannot be unpacked.",
        "Correct the model's uri.",
    ),
    "bucket-credentials": (
        "The pod has no credentials for the bucket, or wrong or expired ones.",
        "The log has NoCredentialsError, DefaultCredentialsError or InvalidAccessKeyId.",
        "Give the account of the service's pods the right to read (Secret of its service account, or Workload "
        "Identity).",
    ),
    "bucket-missing": (
        "There is no such bucket.",
        "The log has NoSuchBucket.",
        "Correct the model's uri.",
    ),
    "bucket-forbidden": (
        "The account of the pod may not read the bucket.",
        "The log has AccessDenied or 403.",
        "Give the account roles/storage.objectViewer on the bucket.",
    ),
    "bucket-unreachable": (
        "The pod cannot reach the bucket's address.",
        "The log has EndpointConnectionError.",
        "Correct the endpoint in the storage's Secret, and let the pods reach it.",
    ),
    "storage-ca-missing": (
        "The CA that the storage is to be checked with is not in the pod.",
        "The log says \"failed to find ca bundle file\".",
        "Correct the ConfigMap that the storage initializer's caBundleConfigMapName names.",
    ),
    "server-argument-unknown": (
        "This version of vLLM does not know an argument that it is given.",
        "Crash loop with \"unrecognized arguments\".",
        "Take the argument out; --disable-log-requests went with vLLM 0.12.",
    ),
    "server-arguments-refused": (
        "The server cannot do with its arguments as they are.",
        "Crash loop in whose log vLLM says which argument it refuses.",
        "Correct the arguments, or take the version of the image that has them (rhaii_image).",
    ),
    "context-too-long": (
        "The argument --max-model-len is more than the model itself can do.",
        "Crash loop with \"greater than the derived max_model_len\".",
        "Lower --max-model-len to the model's own limit.",
    ),
    "chip-memory-too-small": (
        "The model, or its KV cache, does not fit into the memory of the chips.",
        "Crash loop with RESOURCE_EXHAUSTED, or with a KV cache that is too small.",
        "Lower --max-model-len or --max-num-seqs, or serve the model on more chips.",
    ),
    "chip-memory-in-use": (
        "Something else uses the memory of the chips.",
        "Crash loop with \"free memory on device is less than desired\".",
        "See what else runs on the node.",
    ),
    "chips-in-use": (
        "Another process has the chips.",
        "Crash loop with \"already in use\" or \"device or resource busy\".",
        "See that no other pod of the node uses them; delete the pod, and the node where that does not help.",
    ),
    "chips-missing": (
        "The server finds no chips in its container.",
        "Crash loop with \"no TPU found\" or a missing /dev/vfio.",
        "Let the container ask for all chips of its node, and see to the node's TPU device plugin.",
    ),
    "chips-do-not-fit": (
        "The server was told another number or topology of chips than its container has.",
        "Crash loop with a mesh, a world size or a topology that does not match.",
        "Let node selectors, google.com/tpu, --tensor-parallel-size and TPU_* fit the machine type and "
        "topology.",
    ),
    "kernel-does-not-build": (
        "The compiler cannot build a kernel of the model for these chips.",
        "Crash loop with \"Mosaic failed to compile\", or with memory space vmem or smem.",
        "Take a smaller --block-size or --max-num-batched-tokens, or another version of the image "
        "(rhaii_image).",
    ),
    "model-not-supported": (
        "This version of vLLM, or the chips, cannot do with the model's architecture, quantization or "
        "numbers.",
        "Crash loop with \"not supported\" and the name of an architecture, a quantization or a dtype.",
        "Serve a model that it supports, or take a newer image (rhaii_image).",
    ),
    "model-code-untrusted": (
        "The model brings code of its own, which the server must not run without leave.",
        "Crash loop with \"trust_remote_code\".",
        "Add --trust-remote-code where the model's authors are trusted.",
    ),
    "tokenizer-broken": (
        "The model's tokenizer cannot be loaded.",
        "Crash loop with \"can't load tokenizer\".",
        "See that the model has its tokenizer files, name one (--tokenizer), or take a newer image.",
    ),
    "model-does-not-split": (
        "The model's attention heads are no multiple of --tensor-parallel-size.",
        "Crash loop with \"must be divisible\".",
        "Take a --tensor-parallel-size that divides them.",
    ),
    "weights-broken": (
        "The model's weights are missing or broken.",
        "Crash loop with a SafetensorError or \"cannot find any model weights\".",
        "Delete the pod, so that the model is fetched again; check the model's uri where it stays so.",
    ),
    "model-configuration-missing": (
        "What the server was given holds no config.json.",
        "Crash loop with \"does not appear to have a file named config.json\".",
        "Check the model's uri, and --model where it is given.",
    ),
    "port-in-use": (
        "The server's port is in use already.",
        "Crash loop with \"address already in use\".",
        "Give every container of the pod a port of its own, and do not use the host's network.",
    ),
    "server-certificate-missing": (
        "The server's certificate is not in the container.",
        "Crash loop that names a .crt or .key file.",
        "See whether KServe has made the Secret with the service's certificate, and whether it is mounted.",
    ),
    "engine-failed": (
        "The engine of vLLM ended with an error that is not known here.",
        "The log says \"see root cause above\".",
        "Mend what the error names.",
    ),
    "container-crashes": (
        "A container ends again and again, and nothing known stands in its log.",
        "The pod shows CrashLoopBackOff, Error or Completed.",
        "Read the end of the log of its last run.",
    ),
    "replica-starting": (
        "A replica is still being set up, downloading, loading or compiling.",
        "The pod runs without being ready; the first start compiles for minutes.",
        "Wait; deploy.yml does so, and shows the stage.",
    ),
    "rollout-under-way": (
        "Older replicas are being replaced.",
        "There are pods of two forms.",
        "Wait until it has ended.",
    ),
    "replicas-not-serving": (
        "Fewer replicas serve than there are to be.",
        "The Deployment shows fewer ready than desired.",
        "Run deploy.yml, which waits and says what holds a replica back.",
    ),
    "gateway-without-address": (
        "The gateway is not there, or its load balancer has no address yet.",
        "The gateway shows no address, and nothing answers from outside.",
        "Run deploy.yml, and wait for the load balancer; see the events of the gateway's Service where it "
        "gets none.",
    ),
    "gateway-without-listener": (
        "The gateway has no listener for HTTP or HTTPS.",
        "Nothing answers at its address.",
        "Run deploy.yml, which gives it one.",
    ),
    "gateway-not-programmed": (
        "The gateway's controller has not taken it, or one of its listeners.",
        "A condition Accepted, Programmed or ResolvedRefs is not True.",
        "Mend what the condition's message names; see the log of istiod, and whether the gateway's own pod "
        "runs.",
    ),
    "gateway-cluster-only": (
        "The gateway's only address is a name of the cluster's own DNS.",
        "Requests from outside of the cluster cannot reach it.",
        "Give its Service a load balancer (type LoadBalancer), unless requests come from inside alone.",
    ),
    "ca-missing": (
        "The gateway does not have the CA by which it is to verify model servers and pickers.",
        "Every request fails with a TLS error, 503.",
        "Run deploy.yml, which makes the ConfigMap odh-ca-bundle and mounts it in the gateway's pod.",
    ),
    "certificate-near-its-end": (
        "A certificate ends soon, or has ended, and was not renewed in time.",
        "TLS connections fail when it has ended.",
        "See why cert-manager does not renew it (kubectl describe certificate), and that its pods run.",
    ),
    "route-reference-invalid": (
        "The service names a gateway or route that is not there.",
        "A condition is False with RefsInvalid.",
        "Create what the message names (deploy.yml does), or correct spec.router.",
    ),
    "service-without-url": (
        "The service has no URL in its status.",
        "The service shows no URL.",
        "See whether its gateway has an address, and whether the service has a route.",
    ),
    "condition-not-true": (
        "KServe says that something of the service is not ready, for a reason that is not known here.",
        "A condition is not True.",
        "Mend what the condition's message names; the log of KServe's controller says more.",
    ),
    "picker-not-enabled": (
        "The service has no endpoint picker, since its router has no scheduler.",
        "Requests succeed, and go to replicas in turn.",
        "Give the service a scheduler (spec.router.scheduler); deploy.yml does.",
    ),
    "picker-down": (
        "The endpoint picker has no pod that serves.",
        "Requests are routed without regard to their prefix (FailOpen), or fail with 500.",
        "See why its pod is not ready (kubectl describe pod), such as its pull secret, and run deploy.yml.",
    ),
    "envoyfilter-takes-picker": (
        "An EnvoyFilter gives routes a processing mode and names no picker, which takes the picker away.",
        "Requests succeed, and the picker is never asked.",
        "Delete it where it is not ours (kubectl delete envoyfilter NAME -n GATEWAY_NAMESPACE), and run "
        "deploy.yml.",
    ),
    "envoyfilter-missing": (
        "The EnvoyFilter that names each route's picker is not there.",
        "With several routes on one host only the oldest asks its picker.",
        "Run deploy.yml, which applies it.",
    ),
    "envoyfilter-stale": (
        "The EnvoyFilter names another picker or failure mode for a route than its pool does, or leaves a "
        "route out.",
        "Some paths, or a second model, are routed without their picker.",
        "Run deploy.yml, which writes it again from the routes that there are.",
    ),
    "envoyfilter-matches-no-route": (
        "The EnvoyFilter names routes that the gateway does not have.",
        "It is there, and does nothing.",
        "Run deploy.yml, which writes it again from the routes that there are.",
    ),
    "routes-share-a-host": (
        "Several routes with pickers share a host of the gateway, and Istio keeps the picker of the oldest "
        "alone.",
        "A second model, or the guide's root paths, are routed without their picker.",
        "Run deploy.yml with routing_body_forwarding, whose EnvoyFilter names every route's picker; Istio "
        "1.27.8 and newer keep all.",
    ),
    "rules-share-a-name": (
        "Rules of one gateway share a name and lead to different pickers; Istio tells rules apart by their "
        "names alone.",
        "Requests for one model are routed by the picker of another.",
        "Put each of these models behind a gateway of its own, or keep one of them.",
    ),
    "route-bypasses-picker": (
        "A route leads completions to the replicas' Service and not to their pool, so that no picker is "
        "asked.",
        "Requests on its path succeed, and go to replicas in turn.",
        "Let the route lead to the InferencePool, or delete it where it is not needed.",
    ),
    "picker-not-asked": (
        "The endpoint picker is not asked on a path that leads to its pool.",
        "Requests on that path succeed, and the picker's answers do not grow.",
        "Run deploy.yml, which applies the EnvoyFilter that names each route's picker.",
    ),
    "network-policy-missing": (
        "A network policy of the environment is not there, while others deny what it would allow.",
        "Requests fail with 503, or the model cannot be downloaded.",
        "Run deploy.yml, which applies all of them.",
    ),
    "policy-blocks-gateway": (
        "The network policies of the namespace do not let the gateway's pods reach the model's port.",
        "Requests fail with 503 or time out, and the replicas are ready.",
        "Run deploy.yml, which applies allow-gateway-to-vllm; add such a rule where policies are your own.",
    ),
    "policy-blocks-picker": (
        "The network policies do not let the gateway reach the picker, or the picker reach the replicas.",
        "Requests fail with 500, or are routed without regard to their prefix.",
        "Run deploy.yml, which applies allow-epp-scheduler and allow-gateway-to-vllm; add such rules where "
        "policies are your own.",
    ),
    "policies-not-enforced": (
        "The cluster has network policies, and nothing that enforces them.",
        "Pods reach each other whatever the policies say.",
        "Make the cluster with Dataplane V2, as deploy.yml does for its own, or turn network policy "
        "enforcement on.",
    ),
    "endpoint-not-serving": (
        "The endpoint answers its health, models or completion request with an error, or not at all.",
        "Requests fail.",
        "Run diagnose.yml, which looks at the service, the gateway and the policies.",
    ),
    "routing-pinned": (
        "All new prompts come to one replica, although several serve.",
        "One replica does all the work.",
        "See that the picker knows all replicas (its log), and that clients do not stick to one connection.",
    ),
    "routing-blind": (
        "Requests are spread without regard to their prefix.",
        "Repeated prompts come to other replicas, and are not faster.",
        "Run diagnose.yml, which says why the picker is not asked, and deploy.yml.",
    ),
    "prompts-too-short": (
        "Prompts do not fill a block of the cache or of the picker, so that nobody can know them again.",
        "No request finds its prefix cached.",
        "Ask with longer common prefixes; a block is 128 tokens on TPU for a context of 2048, and 256 for "
        "4096.",
    ),
    "prefix-not-cached": (
        "Requests come to the right replica, and their prefix is not found cached.",
        "The replicas' hits do not grow.",
        "Start vLLM with --enable-prefix-caching, and ask with prefixes of several blocks.",
    ),
    "prompts-not-new": (
        "Prompts that were meant to be new were cached already, so that hits prove nothing.",
        "First requests report cached tokens.",
        "Run the test again with salted prompts.",
    ),
    "routing-not-told": (
        "What was seen does not tell whether routing follows the prefix.",
        "The verdict is unknown.",
        "Let the account read the replicas' metrics (pods/proxy), or run verify.yml again with more prefixes.",
    ),
    "path-not-served": (
        "A path of the service fails, or none leads to its pool.",
        "Requests there answer 404 or 5xx.",
        "Run deploy.yml again, and see the gateway's log where that does not help.",
    ),
}
# with the first there, the others are most likely of its making, and not named beside it
EXPLAINS: Mapping[CauseId, frozenset[CauseId]] = {
    "api-server-unreachable": frozenset(CAUSES) - {"api-server-unreachable"},
    "helm-release-interrupted": frozenset((
        "operator-unavailable",
        "kserve-missing",
    )),
    "secret-missing": frozenset((
        "configuration-missing",
        "hub-token-refused",
    )),
    "operator-unavailable": frozenset((
        "controller-not-observing",
        "deployment-not-made",
        "gateway-not-programmed",
    )),
    "kserve-missing": frozenset((
        "service-missing",
        "controller-not-observing",
        "replicas-not-serving",
        "service-without-url",
        "picker-not-enabled",
        "picker-down",
        "envoyfilter-missing",
        "envoyfilter-stale",
        "envoyfilter-matches-no-route",
    )),
    "service-missing": frozenset((
        "replicas-not-serving",
        "service-without-url",
        "picker-not-enabled",
        "picker-down",
        "envoyfilter-missing",
        "envoyfilter-stale",
        "envoyfilter-matches-no-route",
    )),
    "service-being-deleted": frozenset((
        "replicas-not-serving",
        "service-without-url",
        "picker-not-enabled",
        "picker-down",
        "envoyfilter-missing",
        "envoyfilter-stale",
        "envoyfilter-matches-no-route",
    )),
    "service-stopped": frozenset((
        "replicas-not-serving",
        "service-without-url",
        "picker-not-enabled",
        "picker-down",
        "envoyfilter-missing",
        "envoyfilter-stale",
        "envoyfilter-matches-no-route",
    )),
    "deployment-not-made": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pods-refused": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "too-few-tpu-nodes": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-not-ready": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-cordoned": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-going": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-under-pressure": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-without-chips": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "rollout-deadlock": frozenset((
        "no-free-chips",
        "pod-unscheduled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "taint-not-tolerated": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "no-node-matches": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "nodes-full": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "no-free-chips": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "volume-claim-unbound": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "volume-in-another-zone": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pod-gated": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pod-unscheduled": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-refuses-chips": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-refuses-pod": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pod-evicted": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-lost": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pull-secret-missing": frozenset((
        "operator-unavailable",
        "image-not-pulled",
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
        "gateway-not-programmed",
        "picker-down",
    )),
    "pull-secret-without-login": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pull-secret-refused": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-may-not-read-registry": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "image-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "image-name-invalid": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "image-of-another-platform": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "image-unsigned": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "registry-rate-limit": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "registry-certificate-untrusted": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "registry-name-unresolved": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "registry-unreachable": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "node-disk-full": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "image-not-pulled": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "configuration-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "container-cannot-run": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "pod-network-not-made": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "container-out-of-memory": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "shared-memory-full": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "volume-full": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "path-not-writable": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "probe-too-short": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-certificate-untrusted": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-tls-broken": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-proxy-refuses": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-name-unresolved": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-token-refused": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-model-disabled": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-revision-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-file-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-model-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-rate-limit": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-down": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-offline-mode": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-download-broken": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "hub-unreachable": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-uri-invalid": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-path-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-image-unreadable": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-archive-broken": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "bucket-credentials": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "bucket-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "bucket-forbidden": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "bucket-unreachable": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "storage-ca-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "server-argument-unknown": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "server-arguments-refused": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "context-too-long": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "chip-memory-too-small": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "chip-memory-in-use": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "chips-in-use": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "chips-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "chips-do-not-fit": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "kernel-does-not-build": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-not-supported": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-code-untrusted": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "tokenizer-broken": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-does-not-split": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "weights-broken": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "model-configuration-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "port-in-use": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "server-certificate-missing": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "engine-failed": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "container-crashes": frozenset((
        "replica-starting",
        "rollout-under-way",
        "replicas-not-serving",
    )),
    "replica-starting": frozenset((
        "replicas-not-serving",
    )),
    "rollout-under-way": frozenset((
        "replicas-not-serving",
    )),
    "gateway-without-address": frozenset((
        "gateway-not-programmed",
        "service-without-url",
        "condition-not-true",
    )),
    "gateway-not-programmed": frozenset((
        "service-without-url",
        "condition-not-true",
    )),
    "ca-missing": frozenset((
        "endpoint-not-serving",
    )),
    "picker-not-enabled": frozenset((
        "picker-down",
        "envoyfilter-stale",
        "envoyfilter-matches-no-route",
        "picker-not-asked",
        "routing-blind",
    )),
    "picker-down": frozenset((
        "picker-not-asked",
        "routing-blind",
    )),
    "envoyfilter-takes-picker": frozenset((
        "envoyfilter-stale",
        "picker-not-asked",
        "routing-blind",
        "routes-share-a-host",
    )),
    "envoyfilter-missing": frozenset((
        "routes-share-a-host",
        "picker-not-asked",
        "routing-blind",
    )),
    "envoyfilter-stale": frozenset((
        "routes-share-a-host",
        "routing-blind",
        "picker-not-asked",
    )),
    "envoyfilter-matches-no-route": frozenset((
        "routes-share-a-host",
        "routing-blind",
        "picker-not-asked",
    )),
    "routes-share-a-host": frozenset((
        "routing-blind",
        "picker-not-asked",
    )),
    "route-bypasses-picker": frozenset((
        "routing-blind",
    )),
    "network-policy-missing": frozenset((
        "policy-blocks-gateway",
        "policy-blocks-picker",
    )),
    "policy-blocks-gateway": frozenset((
        "policy-blocks-picker",
        "endpoint-not-serving",
    )),
}
# fmt: on

__all__ = ("EXPLAINS", "SENTENCES")
