# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a model server's log says of why it ended, however far above the end it stands."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import run

from tests.field.rows import Row, rows
from tests.field.test_pod_states import PARAMS
from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import (
    FakeCluster,
    deployment,
    pod,
    starting_service,
    waiting,
)

# vLLM logs its configuration before anything else; words in it are no causes.
BEGINNING = """\
INFO 11-24 12:00:00 [api_server.py:1839] vLLM API server version 0.11.0+rhai5
INFO 11-24 12:00:00 [utils.py:233] non-default args: {'model': '/mnt/models', 'dtype': 'bfloat16', 'port': 8000}
INFO 11-24 12:00:01 [core.py:77] Initializing a V1 LLM engine with config: trust_remote_code=False, hbm, quantization=
WARNING 11-24 12:00:02 [tpu.py:158] The TPU backend does not support some of the options
"""


def end_of(above: int) -> Iterator[str]:
    """What stands beneath a cause: tracebacks of the other processes, and the front's own word."""
    yield "(APIServer pid=1) Traceback (most recent call last):"
    for number in range(above // 2):
        yield f'(APIServer pid=1)   File "/opt/vllm/engine/step{number}.py", line {number}, in run'
        yield "(APIServer pid=1)     raise TimeoutError('GatedRepoError') from error  # no cause"
    yield (
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. "
        "Failed core proc(s): {'EngineCore_DP0': 1}"
    )


class Tailed(FakeCluster):
    """Gives as many lines as are asked for, as an API server does."""

    def log(self, pod: str, container: str, lines: int, *, ended: bool = False) -> str:
        return "\n".join(super().log(pod, container, lines, ended=ended).splitlines()[-lines:])


@rows("engine_logs")
def test_the_cause_is_told_and_not_its_symptoms(row: Row) -> None:
    clock = FakeClock()
    cluster = Tailed(clock)
    cluster.service, cluster.deployments = starting_service(replicas=1), [deployment(0, 1, 1, desired=1)]
    dies = {"exitCode": 1, "reason": "Error"}
    cluster.pods = [pod("aaaaa", main=waiting("CrashLoopBackOff", "back-off", 2, dies))]
    end = "\n".join(end_of(row.given["above"])) if row.given["above"] else ""
    cluster.logs = {"aaaaa main ended": f"{BEGINNING}{row.given['log']}\n{end}\n"}
    result = run({**PARAMS, "wait": False}, WaitPorts(cluster, clock), lambda line: None, True)
    problem = result["first_problem"]
    assert row.right["says"] in problem["message"]
    assert row.right["remedy"] in problem["remedy"]
