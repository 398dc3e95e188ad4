# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job from an empty project to an empty project, on one environment: the tests build on each other.

Deploy, deploy again, the guide's commands, scale under load, the guide by hand on a second cluster, tear down, and a
cloud that dies in the middle.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, CLOUD_PROXY_PORT, CLOUD_TLS_PORT
from tests.integration import pulls
from tests.integration.conftest import Figures
from tests.integration.guide import rows
from tests.integration.installation import Installed
from tests.integration.load import Load
from tests.integration.rehearsal import CLUSTER, ENVIRONMENT, MARKER, NAMESPACE, SERVICE, Rehearsal, Run, until
from tests.integration.witness import Seen, Witness, known_secrets, shown, sockets

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]

MANIFESTS = "deployments/istio-kserve/caching-pattern/manifests"
SECOND = "guide-by-hand"
OTHER_CLUSTER = ("-e", f"rhaii_cluster_name={SECOND}")
CONFIRMED = ("-e", f"rhaii_teardown_confirm={ENVIRONMENT}")
SPEED = r"([\d.]+) req/s, P50 (\d+) ms, P95 (\d+) ms, P99 (\d+) ms"
LOADED_REQUESTS = 500
NEWER = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.3.0"
GUIDES_FILTER = "inference-pool-route-body-forwarding-caching"


@dataclass(frozen=True)
class Deployed:
    """The first deploy: its run, what was seen meanwhile, and its report."""

    run: Run
    seen: Seen
    report: dict[str, Any]
    secrets: list[bytes]


@pytest.fixture(scope="module")
def deployed(rehearsal: Rehearsal) -> Deployed:
    """The one environment, deployed from nothing under the eyes of a witness."""
    rehearsal.sandbox("up").succeeded()
    assert not any(rehearsal.left().values()), "the sandbox is not empty"
    secrets = known_secrets(rehearsal.settings.cloud_dir)
    marks = [f"{MARKER}={rehearsal.settings.root}", f"SANDBOX_DIR={rehearsal.settings.root}"]
    with Witness(marks, secrets) as witness:
        run = rehearsal.playbook("deploy")
    run.succeeded()
    report = json.loads((rehearsal.settings.root / "reports" / f"{ENVIRONMENT}-deploy.json").read_text("utf-8"))
    return Deployed(run, witness.seen, report, secrets)


@pytest.fixture(scope="module")
def rendered(rehearsal: Rehearsal, deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the guide's reader has it: what render.yml wrote at its paths, and the files with the secrets."""
    folder = tmp_path_factory.mktemp("guide")
    run = rehearsal.playbook("render", "-e", f"rhaii_render_folder={folder}").succeeded()
    assert not shown(run.output.encode(), deployed.secrets)
    for path in folder.rglob("*.yaml"):
        assert not shown(path.read_bytes(), deployed.secrets), f"{path.name} shows a secret"
    token = (rehearsal.settings.cloud_dir / "hf-token").read_bytes().strip()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "huggingface-token"},
        "type": "Opaque",
        "data": {"token": base64.b64encode(token).decode()},
    }
    (folder / "huggingface-token-secret.yaml").write_text(yaml.safe_dump(secret), encoding="utf-8")
    shutil.copy(rehearsal.settings.cloud_dir / "pull-secret.yaml", folder / "redhat-pull-secret.yaml")
    return folder


class Reader:
    """A person at a terminal who follows the guide: what was exported stays exported."""

    def __init__(self, rehearsal: Rehearsal, kubeconfig: Path, folder: Path) -> None:
        self._folder = folder
        own = folder / f"{kubeconfig.parent.name}.kubeconfig"
        shutil.copy(kubeconfig, own)
        self.environment = {
            **rehearsal.environment,
            "KUBECONFIG": str(own),
            "CURL_HOME": str(rows.curl_home(folder / "curl")),
        }
        self._port = rehearsal.gateway_port()

    def type(self, command: rows.Command, pod: str = "") -> str:
        """Run a command and hold its output against the row; returns it."""
        exported = re.match(r"export (\w+)=", command.text)
        if exported:
            command = replace(command, text=f"{command.text}\nprintf %s ${exported[1]}")
        output = rows.run(command, cwd=self._folder, environment=self.environment, fills={"<pod-name>": pod})
        rows.judge(command, output)
        if exported:
            assert re.fullmatch(r"127\.201\.\d+\.\d+", output), output
            # a machine without the right to bind port 80 serves it elsewhere, and the recap says so
            self.environment[exported[1]] = output if self._port == 80 else f"{output}:{self._port}"
        return output


@pytest.fixture(scope="module")
def reader(rehearsal: Rehearsal, deployed: Deployed, rendered: Path) -> Reader:
    """Somebody who reads the guide in front of our environment, with its namespace as the default one."""
    made = Reader(rehearsal, rehearsal.settings.root / "kubeconfig", rendered)
    (context,) = [row for row in rows.commands("second") if "set-context" in row.text]
    made.type(context)
    return made


def test_010_deploy_shows_what_there_is(deployed: Deployed, rehearsal: Rehearsal, figures: Figures) -> None:
    output = deployed.run.output
    assert "The inventory is inventories/sandbox" in output
    assert f"{ENVIRONMENT}: {rehearsal.gateway()}, " in output
    assert f"Replicas:    3 of 3 ready ({SERVICE}, Qwen/Qwen2.5-3B-Instruct)" in output
    assert "3 TPU nodes, 12 chips" in output
    affinity, hits = re.search(r"Affinity: +([\d.]+) of", output), re.search(r"Hit ratio: +([\d.]+) of", output)
    assert affinity and float(affinity[1]) > 0.9, "requests with one prefix do not stay together"
    assert hits and float(hits[1]) > 0.5, "the caches are not hit"
    for name in ("Serial", "Parallel"):
        assert re.search(rf"{name}: +{SPEED}", output), f"no {name} figures"
    titles = [stage["title"] for stage in deployed.report["stages"]]
    assert len(titles) == 8
    for stage in deployed.report["stages"]:
        assert re.search(rf"{stage['title']} +{stage['guide_minutes']} min +\d+ ", output), stage
    figures.record("deploy", {"seconds": round(deployed.run.seconds, 1), "tasks": deployed.run.recap()["ok"]})
    figures.record("routing", deployed.report["routing"])
    columns = ("type", "guide_seconds", "planned_seconds", "real_seconds", "overhead_seconds")
    operations = rehearsal.cloud("/sandbox/operations")["operations"]
    figures.record("operations", [{name: each[name] for name in columns} for each in operations])


def test_011_curl_line_of_the_recap_can_be_copied(deployed: Deployed, rehearsal: Rehearsal) -> None:
    (line,) = re.findall(r"^ +(curl -s .*)$", deployed.run.output, re.MULTILINE)
    answer = rehearsal.run("bash", "-c", line.rstrip())
    assert '"choices"' in answer.output, f"{line}\n{answer.output}"


def test_012_no_secret_is_shown(deployed: Deployed, rehearsal: Rehearsal) -> None:
    assert not shown(deployed.run.output.encode(), deployed.secrets)
    reports = list((rehearsal.settings.root / "reports").iterdir())
    assert reports
    for report in reports:
        assert not shown(report.read_bytes(), deployed.secrets), f"{report.name} shows a secret"
    audit = (rehearsal.settings.cloud_dir / "audit.jsonl").read_bytes()
    assert audit
    assert not shown(audit, deployed.secrets)


def test_013_nobody_talks_to_the_world_or_shows_a_secret_to_other_users(deployed: Deployed) -> None:
    seen = deployed.seen
    assert seen.samples > 100
    # it did look at the right processes
    assert any("ansible-playbook" in command for command in seen.commands)
    assert any("helm" in command for command in seen.commands)
    assert f"{CLOUD_ADDRESS}:{CLOUD_PORT}" in seen.remotes
    assert seen.findings == []


def test_014_guide_time_and_overhead_are_told_apart(deployed: Deployed, rehearsal: Rehearsal, figures: Figures) -> None:
    report = str(rehearsal.settings.root / "reports" / f"{ENVIRONMENT}-deploy.json")
    run = rehearsal.sandbox("recap", report).succeeded()
    found = re.findall(r"^(\S.*?) {2,}([\d.]+) +([\d.]+) +([\d.]+)$", run.output, re.MULTILINE)
    stages = [
        {
            "stage": title,
            "guide_minutes": float(guide),
            "here_guide_minutes": float(here),
            "overhead_seconds": float(overhead),
        }
        for title, guide, here, overhead in found
    ]
    assert [stage["stage"] for stage in stages] == [*(each["title"] for each in deployed.report["stages"]), "in all"]
    pool = next(stage for stage in stages if stage["stage"] == "TPU pool")
    # what is played is the guide's, whatever this machine adds
    assert pool["here_guide_minutes"] >= 15
    whole, seconds = stages[-1], deployed.run.seconds
    assert whole["overhead_seconds"] < seconds
    assert whole["here_guide_minutes"] * 60 / rehearsal.settings.speed < seconds
    figures.record("stages", stages)


def test_015_every_pod_pulls_by_a_secret_that_it_has(deployed: Deployed, rehearsal: Rehearsal) -> None:
    pods = rehearsal.kubectl("get", "pods", "-A")["items"]
    rows = pulls.found(pods)
    print(pulls.table(rows))
    assert rows == sorted((row for row, _how in pulls.EXPECTED.values()), key=lambda row: row.pod)
    for pod in pods:
        assert pod["status"]["phase"] == "Running", pod["metadata"]["name"]


def test_016_istio_rests_and_gke_keeps_its_definitions(deployed: Deployed, rehearsal: Rehearsal) -> None:
    def generations() -> list[int]:
        kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
        found = rehearsal.kubectl("get", kinds, "-l", "istio.io/rev=default")["items"]
        assert {each["metadata"]["annotations"]["sailoperator.io/ignore"] for each in found} == {"true"}
        assert all(each["webhooks"][0]["clientConfig"]["caBundle"] for each in found)
        return [each["metadata"]["generation"] for each in found]

    before = generations()
    time.sleep(3)  # an operator that goes on comes by every second
    assert generations() == before
    assert len(before) == 2
    kinds = {each["metadata"]["name"]: each["metadata"] for each in rehearsal.kubectl("get", "crds")["items"]}
    of_gke = {name for name, each in kinds.items() if "addonmanager.kubernetes.io/mode" in (each.get("labels") or {})}
    assert {"httproutes.gateway.networking.k8s.io", "inferencepools.inference.networking.k8s.io"} <= of_gke
    ours = {name for name, each in kinds.items() if "rhaii.gke/environment" in (each.get("labels") or {})}
    assert "llminferenceservices.serving.kserve.io" in ours
    assert not ours & of_gke
    assert ours | of_gke == kinds.keys()


# What a deploy that changes nothing may take, a tenth above what it took: who needs more says so here.
BOUNDS = {"fork": 82, "interpreter": 1, "program": 5, "request": 300}


def test_020_deploying_again_changes_nothing(
    deployed: Deployed, rehearsal: Rehearsal, figures: Figures, tmp_path: Path
) -> None:
    calls = rehearsal.calls()
    counted = tmp_path / "counted"
    counting = {"PYTHONPATH": str(Path(__file__).parent / "counting"), "COUNTING": str(counted)}
    run = rehearsal.playbook("deploy", "-vvv", env=counting).succeeded()
    found = Counter(line.partition(" ")[0] for line in counted.read_text(encoding="utf-8").splitlines())
    assert {name: count for name, count in found.items() if count > BOUNDS[name]} == {}, found
    assert found["fork"] > 40, "nothing was counted"
    assert run.changed() == []
    assert run.recap()["changed"] == 0
    assert rehearsal.calls() == calls
    assert not shown(run.output.encode(), deployed.secrets), "-vvv shows a secret"
    figures.record(
        "deploy_again",
        {"seconds": round(run.seconds, 1), "changed": run.recap()["changed"], **dict(sorted(found.items()))},
    )


def test_021_check_mode_changes_nothing(deployed: Deployed, rehearsal: Rehearsal) -> None:
    calls = rehearsal.calls()
    run = rehearsal.playbook("deploy", "--check", "--diff").succeeded()
    assert run.changed() == []
    assert run.recap()["changed"] == 0
    assert rehearsal.calls() == calls
    assert not shown(run.output.encode(), deployed.secrets), "a diff shows a secret"


@pytest.mark.parametrize("command", rows.commands("ours"), ids=lambda command: command.title)
def test_030_guide_command_on_our_environment(command: rows.Command, reader: Reader, rehearsal: Rehearsal) -> None:
    reader.type(command, rehearsal.pods()[0]["metadata"]["name"])


def test_031_rendered_manifests_are_what_was_applied(reader: Reader, rendered: Path, rehearsal: Rehearsal) -> None:
    files = sorted(str(path.relative_to(rendered / MANIFESTS)) for path in (rendered / MANIFESTS).rglob("*.yaml"))
    assert files == [
        "envoyfilter-route-extproc-body.yaml",
        "llmisvc-tpu-caching.yaml",
        "networkpolicies/allow-epp-scheduler.yaml",
        "networkpolicies/allow-gateway-to-vllm.yaml",
        "networkpolicies/allow-istio.yaml",
        "networkpolicies/allow-vllm-egress.yaml",
    ]
    command = (
        "kubectl",
        "diff",
        "--server-side",
        "--force-conflicts",
        "--field-manager=rhaii.gke",
        "-R",
        "-f",
        MANIFESTS,
    )
    difference = rehearsal.run(*command, cwd=rendered, env={"KUBECONFIG": reader.environment["KUBECONFIG"]})
    # without the label of our sets: who applies them by hand has no set
    changed = [line for line in difference.output.splitlines() if re.match(r"[-+](?![-+])", line)]
    assert changed, difference.output
    assert {line[1:].partition(":")[0].strip() for line in changed} == {"applyset.kubernetes.io/part-of"}, changed
    assert {line[0] for line in changed} == {"-"}, changed


def test_032_filter_of_the_guide_applied_by_hand_is_named(rendered: Path, rehearsal: Rehearsal) -> None:
    """A processing mode alone, as the guide's manifests have it: requests are answered, and nobody chooses replicas."""
    (ours,) = rehearsal.kubectl("get", "envoyfilters", "-n", "opendatahub")["items"]
    for patch in ours["spec"]["configPatches"]:
        overrides = patch["patch"]["value"]["typed_per_filter_config"]["envoy.filters.http.ext_proc"]["overrides"]
        del overrides["grpc_service"], overrides["failure_mode_allow"]
    by_hand = {key: ours[key] for key in ("apiVersion", "kind", "spec")}
    by_hand["metadata"] = {"name": GUIDES_FILTER, "namespace": "opendatahub"}
    file = rendered / "by-hand.json"
    file.write_text(json.dumps(by_hand), encoding="utf-8")
    rehearsal.run("kubectl", "apply", "-f", str(file)).succeeded()
    try:
        refused = rehearsal.playbook("verify", "-e", "verification_parallel_requests=0")
    finally:
        rehearsal.run("kubectl", "delete", "-f", str(file)).succeeded()
    said = refused.refusal()
    assert f"{GUIDES_FILTER} takes the endpoint picker away" in said
    assert f"kubectl delete envoyfilter {GUIDES_FILTER} -n opendatahub" in said
    for path in (f"/{NAMESPACE}/{SERVICE}/v1/completions", "/v1/completions", "/v1/chat/completions"):
        assert f"{path} (0 of 2)" in said


def test_040_scaling_up_under_load(deployed: Deployed, rehearsal: Rehearsal, figures: Figures, seed: int) -> None:
    before = {pod["metadata"]["uid"] for pod in rehearsal.pods()}
    with Load(rehearsal.gateway(), at_least=LOADED_REQUESTS, seed=seed) as load:
        run = rehearsal.playbook("scale", "-e", "rhaii_replicas=5").succeeded()
    assert load.outcome.failures == []
    assert load.outcome.sent >= LOADED_REQUESTS
    assert "5 replicas serve on 5 nodes (20 chips)" in run.output
    nodes = rehearsal.kubectl("get", "nodes", "-l", "cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice")["items"]
    assert len(nodes) == 5
    assert sum(int(node["status"]["allocatable"]["google.com/tpu"]) for node in nodes) == 20
    pods = rehearsal.pods()
    assert all(is_ready(pod) for pod in pods)
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}
    assert before < {pod["metadata"]["uid"] for pod in pods}
    figures.record("scale_up", {"replicas": 5, "seconds": round(run.seconds, 1), **load.outcome.figures()})


def test_041_deploy_keeps_the_override_and_says_so(
    deployed: Deployed, rehearsal: Rehearsal, installed: Installed
) -> None:
    # from the tarball, by its full name: the same environment, so that nothing changes
    inventory = str(CHECKOUT / "inventories" / "sandbox")
    environment = installed.environment(rehearsal.environment)
    command = ("ansible-playbook", "-i", inventory, "rhaii.gke.deploy")
    run = rehearsal.run(*command, cwd=installed.folder, env=environment).succeeded()
    assert run.changed() == []
    assert run.recap()["changed"] == 0
    said = " ".join(run.output.split())
    assert f"{SERVICE}: replicas is 5 by a temporary override, the inventory says 3." in said
    assert "write replicas: 5 into the model's entry of rhaii_models" in said
    assert "Replicas:    5 of 5 ready" in run.output
    assert len(rehearsal.pods()) == 5


def test_042_scaling_down_under_load_removes_the_vacated_nodes(
    deployed: Deployed, rehearsal: Rehearsal, figures: Figures, seed: int
) -> None:
    before = {pod["metadata"]["uid"]: pod for pod in rehearsal.pods()}
    nodes_before = rehearsal.nodes()
    with Load(rehearsal.gateway(), at_least=LOADED_REQUESTS, seed=seed + 1) as load:
        run = rehearsal.playbook("scale", "-e", "rhaii_replicas=2").succeeded()
    assert load.outcome.failures == []
    assert load.outcome.sent >= LOADED_REQUESTS
    assert "2 replicas serve on 2 nodes (8 chips)" in run.output
    after = rehearsal.pods()
    assert len(after) == 2
    assert all(is_ready(pod) for pod in after)
    for pod in after:
        same = before[pod["metadata"]["uid"]]
        assert pod["spec"]["nodeName"] == same["spec"]["nodeName"]
        assert restarts(pod) == restarts(same) == 0
    kept = {pod["spec"]["nodeName"] for pod in after}
    assert rehearsal.nodes() == kept
    removed = {
        instance.rsplit("/", 1)[-1]
        for call in rehearsal.calls("instanceGroupManagers.deleteInstances")
        for instance in call["body"]["instances"]
    }
    assert removed == nodes_before - kept
    figures.record("scale_down", {"replicas": 2, "seconds": round(run.seconds, 1), **load.outcome.figures()})


@pytest.mark.prove
def test_043_verify_finds_two_replicas_well(deployed: Deployed, rehearsal: Rehearsal, figures: Figures) -> None:
    run = rehearsal.playbook("verify").succeeded()
    assert run.recap()["changed"] == 0
    assert f"ok      replicas of {SERVICE}" in run.output
    assert "2 of 2 serve, on 2 nodes" in run.output
    figures.record("verify", {"seconds": round(run.seconds, 1)})


def test_044_newer_image_of_the_guide_comes_up(deployed: Deployed, rehearsal: Rehearsal, figures: Figures) -> None:
    replicas = len(rehearsal.pods())
    before = {pod["metadata"]["uid"] for pod in rehearsal.pods()}
    # a node more than replicas, for Kubernetes starts a new pod before it ends an old one
    arguments = ("-e", f"rhaii_image={NEWER}", "-e", f"cluster_tpu_nodes={replicas + 1}")
    run = rehearsal.playbook("deploy", *arguments).succeeded()
    pods = rehearsal.pods()
    assert len(pods) == replicas
    assert all(is_ready(pod) for pod in pods)
    assert not before & {pod["metadata"]["uid"] for pod in pods}
    # vLLM ends at once at an argument that it no longer knows
    assert [(pod["spec"]["containers"][0]["image"], restarts(pod)) for pod in pods] == [(NEWER, 0)] * replicas
    figures.record("newer_image", {"replicas": replicas, "seconds": round(run.seconds, 1)})


@pytest.fixture(scope="module")
def by_hand(rehearsal: Rehearsal, rendered: Path) -> Reader:
    """The same reader with a cluster that has operators and nothing else, beside ours."""
    made = rehearsal.run("ansible-playbook", "tests/integration/playbooks/empty_cluster.yml", *OTHER_CLUSTER)
    made.succeeded()
    (kubeconfig,) = rehearsal.settings.clusters_dir.glob(f"*_{SECOND}/kubeconfig")
    return Reader(rehearsal, kubeconfig, rendered)


@pytest.mark.parametrize("command", rows.commands("second"), ids=lambda command: command.title)
def test_050_guide_command_on_a_second_cluster(command: rows.Command, by_hand: Reader) -> None:
    by_hand.type(command)


def test_051_kserve_makes_of_it_what_the_guide_promises(by_hand: Reader, rehearsal: Rehearsal) -> None:
    kubeconfig = ("--kubeconfig", by_hand.environment["KUBECONFIG"], "-n", NAMESPACE)

    def waiting() -> list[str]:
        """The messages of the scheduler: the pods are there, and the pool was left out."""
        pods = rehearsal.kubectl("get", "pods", *kubeconfig, "-l", f"app.kubernetes.io/name={SERVICE}")["items"]
        conditions = [condition for pod in pods for condition in pod["status"].get("conditions", [])]
        return [condition["message"] for condition in conditions if condition.get("reason") == "Unschedulable"]

    until(lambda: len(waiting()) == 3, "three pods wait for TPU nodes")
    assert all("node" in message for message in waiting())
    # the first environment did not notice
    assert len(rehearsal.pods()) == 2


def test_052_teardown_takes_one_cluster_and_leaves_the_other(by_hand: Reader, rehearsal: Rehearsal) -> None:
    # what a person typed there by hand is not ours: the cluster stays, by name, until that is said
    refusal = rehearsal.playbook("teardown", *OTHER_CLUSTER, *CONFIRMED).refusal()
    assert f"LLMInferenceService {NAMESPACE}/{SERVICE}" in refusal
    assert "-e rhaii_delete_foreign=true" in refusal
    assert len(rehearsal.left()["clusters"]) == 2
    rehearsal.playbook("teardown", *OTHER_CLUSTER, *CONFIRMED, "-e", "rhaii_delete_foreign=true").succeeded()
    left = rehearsal.left()
    assert left["clusters"] == [f"europe-west4-a/{CLUSTER}"]
    assert len(left["addresses"]) == 1


def test_060_teardown_without_confirmation_refuses(deployed: Deployed, rehearsal: Rehearsal) -> None:
    calls = rehearsal.calls()
    for given in ((), ("-e", "rhaii_teardown_confirm=prod")):
        refusal = rehearsal.playbook("teardown", *given).refusal()
        assert f"would delete the cluster {CLUSTER} in europe-west4-a" in refusal
        assert f"-e rhaii_teardown_confirm={ENVIRONMENT}" in refusal
    assert rehearsal.calls() == calls
    assert len(rehearsal.left()["clusters"]) == 1


def test_061_teardown_leaves_nothing_that_costs(deployed: Deployed, rehearsal: Rehearsal, figures: Figures) -> None:
    run = rehearsal.playbook("teardown", *CONFIRMED).succeeded()
    left = rehearsal.left()
    assert set(left) >= {"clusters", "node_pools", "running_operations", "disks", "addresses", "forwarding_rules"}
    assert not any(left.values()), left
    ledger = rehearsal.cloud("/sandbox/ledger")["items"]
    assert ledger
    assert [item for item in ledger if item["closed"] is None] == []
    figures.record("teardown", {"seconds": round(run.seconds, 1), "left": sum(len(kind) for kind in left.values())})


def test_062_teardown_of_nothing_changes_nothing(deployed: Deployed, rehearsal: Rehearsal) -> None:
    run = rehearsal.playbook("teardown", *CONFIRMED).succeeded()
    assert run.changed() == []


def interrupted(rehearsal: Rehearsal, number: signal.Signals, waiting: str, playbook: str, *arguments: str) -> Run:
    """A run whose cloud gets a signal once its output shows `waiting`, a pattern."""
    begun = rehearsal.begin("ansible-playbook", f"playbooks/{playbook}.yml", *arguments)

    def waits() -> bool:
        return begun.process.poll() is not None or re.search(waiting, begun.output(), re.DOTALL) is not None

    until(waits, f"a run that shows {waiting!r}", timeout=300)
    rehearsal.signal("cloud", number)
    run = begun.finish()
    # one sentence: what was wanted, what was found, what to do
    refusal = run.refusal()
    assert re.search(r"Could not [\w\s-]+: no answer from http://127\.200\.0\.1:8085 \([^)]+\)\.", refusal), refusal
    assert "run again" in refusal
    return run


def test_070_cloud_that_dies_ends_the_run_with_a_sentence(rehearsal: Rehearsal, figures: Figures) -> None:
    rehearsal.sandbox("up").succeeded()
    # a cluster that was asked for is waited for as long as its task may take: here not for minutes
    wanted = ("-e", "rhaii_cluster_timeout=45")
    run = interrupted(rehearsal, signal.SIGKILL, r"create \| Create .*: creating the cluster", "deploy", *wanted)
    figures.record("cloud_killed", {"seconds": round(run.seconds, 1)})


@pytest.mark.prove
def test_071_deploy_makes_a_half_made_environment_whole(rehearsal: Rehearsal, figures: Figures) -> None:
    rehearsal.sandbox("up").succeeded()
    run = rehearsal.playbook("deploy").succeeded()
    assert "Replicas:    3 of 3 ready" in run.output
    figures.record("deploy_after_interruption", {"seconds": round(run.seconds, 1)})


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("number", "replicas"), [(signal.SIGKILL, 4), (signal.SIGSTOP, 5)], ids=["dies", "hangs"])
def test_072_cloud_that_dies_or_hangs_while_nodes_come(
    rehearsal: Rehearsal, figures: Figures, number: signal.Signals, replicas: int
) -> None:
    # the zone has no machines for now, so that the run waits for the pool
    rehearsal.sandbox("fault", "set", json.dumps({"kind": "stockout", "zone": "europe-west4-a"})).succeeded()
    wanted = ("-e", f"rhaii_replicas={replicas}", "-e", "rhaii_node_pool_timeout=90")
    run = interrupted(rehearsal, number, r"node_pool_wait \| .*: resizing the node pool", "scale", *wanted)
    figures.record(f"cloud_{number.name.lower()}_while_nodes_come", {"seconds": round(run.seconds, 1)})
    if number == signal.SIGSTOP:
        rehearsal.signal("cloud", signal.SIGCONT)
    rehearsal.sandbox("up").succeeded()
    rehearsal.sandbox("fault", "clear").succeeded()
    run = rehearsal.playbook("deploy").succeeded()
    assert f"Replicas:    {replicas} of {replicas} ready" in run.output


def test_080_down_ends_what_a_crash_left(rehearsal: Rehearsal) -> None:
    # in the reduced form of a half-made cluster, in the full one of a whole environment
    rehearsal.sandbox("up").succeeded()
    until(lambda: len(rehearsal.processes()) > 5, "the cluster's processes run")
    for name in ("cloud", "hub"):
        rehearsal.signal(name, signal.SIGKILL)
    assert rehearsal.processes(), "a cluster outlives its cloud"
    down = rehearsal.sandbox("down").succeeded()
    assert "no process is left" in down.output
    assert rehearsal.processes() == []
    assert listeners() == []


@pytest.mark.prove
def test_081_down_after_sigkill_of_everything(rehearsal: Rehearsal) -> None:
    rehearsal.sandbox("up").succeeded()
    rehearsal.playbook("deploy").succeeded()
    killed = rehearsal.processes()
    assert len(killed) > 30
    for process in killed:
        rehearsal.kill(process.pid)
    rehearsal.sandbox("down").succeeded()
    assert rehearsal.processes() == []
    assert listeners() == []


@pytest.mark.prove
def test_082_gated_model_downloads_and_without_its_token_the_cause_is_named(
    rehearsal: Rehearsal, figures: Figures
) -> None:
    name = "gemma"
    model = {"rhaii_models": [{"name": name, "uri": "hf://google/gemma-2b-it", "replicas": 1}]}
    rehearsal.sandbox("up").succeeded()
    run = rehearsal.playbook("deploy", "-e", json.dumps(model)).succeeded()
    assert "Replicas:    1 of 1 ready" in run.output
    figures.record("gated_model", {"seconds": round(run.seconds, 1)})

    lost = json.dumps({"stringData": {"HF_TOKEN": "hf_" + "x" * 34}})
    rehearsal.kubectl("patch", "secret", "huggingface-token", "-n", NAMESPACE, "-p", lost)
    pods = (
        "-n",
        NAMESPACE,
        "-l",
        f"app.kubernetes.io/name={name},app.kubernetes.io/component=llminferenceservice-workload",
    )
    rehearsal.run("kubectl", "delete", "pods", *pods).succeeded()
    asked = f"name={name} fail_fast_after=0 wait_interval=1"
    refused = rehearsal.run("ansible", ENVIRONMENT, "-m", "rhaii.gke.llmisvc_wait_ready", "-a", asked)
    assert refused.code != 0
    assert "the hub refuses the token, or wants one" in refused.output
    assert "rhaii_hf_token_file" in refused.output


def test_090_deploy_without_a_sandbox_says_how_to_start_it(rehearsal: Rehearsal) -> None:
    rehearsal.sandbox("down").succeeded()
    refusal = rehearsal.playbook("deploy").refusal()
    assert "http://127.200.0.1:8085 does not answer" in refusal
    assert "make up" in refusal
    assert "make deploy" in refusal


def listeners() -> list[str]:
    """What listens in the sandbox's ranges; clusters from 60 on and clouds at other ports are other tests'."""
    return [
        f"{socket.local}:{socket.port}"
        for socket in sockets()
        if socket.listens and re.match(r"127\.(20[0-2]\.([0-5]?\d)|[1-5]?\d\.\d+)\.\d+$", socket.local)
        if not socket.local.startswith("127.0.")
        if socket.local != CLOUD_ADDRESS or socket.port in (CLOUD_PORT, CLOUD_TLS_PORT, CLOUD_PROXY_PORT)
    ]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod says that it is Ready."""
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: dict[str, Any]) -> int:
    """How often a pod's containers were started again."""
    return sum(int(status["restartCount"]) for status in pod["status"]["containerStatuses"])
