#!/usr/bin/env bash
# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a look at a deployed environment costs by kubectl, helm and curl, and what by a deploy.yml that changes nothing.
#
#   make deploy && tests/bench/anchor.sh
#
# Prints every command, the CPU seconds of both whole process trees, and their ratio.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PWD/.sandbox/assets/bin:$PATH" PYTHONPYCACHEPREFIX="$PWD/.sandbox/pycache"
export KUBECONFIG="$PWD/.sandbox/kubeconfig"

by_hand() {
  local manifests=$1 gateway release namespace secret
  PS4='anchor: '
  set -x
  # the same objects, applied by the server
  kubectl apply --server-side --dry-run=server --force-conflicts --field-manager=rhaii.gke --recursive -f "$manifests"
  for secret in rhaiis-pull-secret huggingface-token; do
    kubectl get secret "$secret" -n rhaii-inference -o yaml --show-managed-fields=false |
      kubectl apply --server-side --dry-run=server --force-conflicts -f -
  done
  # the same releases
  helm list --all-namespaces --no-headers | while read -r release namespace _; do
    [[ -d .sandbox/assets/charts/$release ]] || continue
    helm upgrade "$release" ".sandbox/assets/charts/$release" --namespace "$namespace" --reuse-values \
      --dry-run=server --hide-secret
  done
  # the guide's looks
  kubectl get nodes -l cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice
  kubectl get deployments --all-namespaces
  kubectl get llminferenceservice -n rhaii-inference
  kubectl get pods -n rhaii-inference -l serving.kserve.io/inferenceservice
  kubectl get networkpolicies -n rhaii-inference
  kubectl get envoyfilter -n opendatahub
  kubectl get httproutes -n rhaii-inference
  gateway=$(kubectl get gateway inference-gateway -n opendatahub -o jsonpath='{.status.addresses[0].value}')
  curl --silent --fail "http://$gateway/v1/health"
  for _ in {1..10}; do
    curl --silent --fail "http://$gateway/v1/completions" --header 'Content-Type: application/json' \
      --data '{"model": "Qwen/Qwen2.5-3B-Instruct", "prompt": "Why is the sky blue?", "max_tokens": 8}'
  done
}

# Runs a command with its output in a file, and prints the CPU seconds of all its processes.
measured() {
  python - "$@" <<'PYTHON'
import resource
import subprocess
import sys

log, *command = sys.argv[1:]
with open(log, "wb") as output:
    subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{used.ru_utime + used.ru_stime:.1f}")
PYTHON
}

if [[ ${1:-} == --by-hand ]]; then
  by_hand "$2"
  exit
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ansible-playbook playbooks/render.yml -e "rhaii_render_folder=$folder/manifests" > "$folder/render.log"
# what is loaded once for all runs is no cost of one
ansible-playbook playbooks/verify.yml > "$folder/warm.log"
hand=$(measured "$folder/hand.log" "$0" --by-hand "$folder/manifests")
noop=$(measured "$folder/noop.log" ansible-playbook playbooks/deploy.yml)
grep '^anchor: ' "$folder/hand.log"
grep -E 'changed=' "$folder/noop.log"
echo "by kubectl, helm and curl: $hand CPU seconds; deploy.yml: $noop"
echo "noop/kubectl $(python -c "print(round($noop / $hand, 1))")"
