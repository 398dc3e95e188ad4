# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The findings for people who do not know quotas and clusters: what is ready, what somebody has to do, and who."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK

YOU = "you, who run this"
OWNER = "the owner of the Google Cloud project"
GOOGLE = "the owner of the Google Cloud project asks, and Google decides"
RED_HAT = "whoever has your company's Red Hat account"
HUB = "whoever has the Hugging Face account"


@dataclass(frozen=True)
class Words:
    """A check, once it is ready, while it is not, and whose turn it is then."""

    ready: str
    todo: str
    who: str = YOU


PLAIN: Mapping[str, Words] = {
    # the inputs
    "project": Words(
        "We know which Google Cloud project to use.", "We need to know which Google Cloud project to use."
    ),
    "environment": Words("The environment has a good name.", "The environment needs a name that Google accepts."),
    "location": Words("We know in which data centres to look.", "The data centre is not written as Google writes it."),
    "provisioning": Words("We know how to pay for the machines.", "How to pay for the machines is not clear."),
    "names": Words("All names fit.", "A name is none that Google or Kubernetes accepts."),
    "labels": Words("All labels fit.", "A label is none that Google or Kubernetes accepts."),
    "cost limit": Words("We know what an hour may cost.", "What an hour may cost is not written as an amount."),
    "accelerator": Words("We know which kind of TPU to use.", "There is no such kind of TPU."),
    "machine type": Words("The kind of machine is right.", "This kind of machine cannot be used."),
    "models": Words("We know which models to serve.", "The list of models cannot be read."),
    "model names": Words("The models have good names.", "A model needs another name."),
    "model uris": Words("We know where the models come from.", "It is not said where a model comes from."),
    "model fields": Words("The models' settings can be read.", "A setting of a model is not written as it has to be."),
    "model chips": Words("Each copy of a model fits on one machine.", "A model asks for more than one machine has."),
    "model routes": Words("All models can be reached.", "There are more models than one address can tell apart."),
    "replicas": Words(
        "We know how many copies of each model to run.", "The number of copies of a model is not possible."
    ),
    "nodes": Words("There are enough machines for all copies.", "There are fewer machines than copies of the models."),
    "pull secret": Words(
        "We have the login with which Red Hat's software is downloaded.",
        "We need the login with which Red Hat's software is downloaded, as a file.",
        RED_HAT,
    ),
    "hub token": Words(
        "We have the key with which models are downloaded from Hugging Face.",
        "We need the key with which models are downloaded from Hugging Face, as a file.",
        HUB,
    ),
    "helm": Words("The program Helm is there.", "This computer needs the program Helm, in the right version."),
    "charts": Words("Red Hat's installation files are there.", "This computer needs Red Hat's installation files."),
    "Python packages": Words("This computer has the software it needs.", "This computer needs more software."),
    "collections": Words("Ansible has the parts it needs.", "Ansible needs more parts."),
    "guide's commands": Words(
        "We have looked which programs of the guide are here. None of them is needed.",
        "We could not see which programs of the guide are here. None of them is needed.",
    ),
    # Google's answers
    "access": Words("Google has answered.", "Google could not be asked."),
    "credentials": Words("Google knows who we are.", "Google does not know who we are: the login has to be renewed."),
    "billing": Words(
        "The project has an account that pays.", "Somebody has to pay: the project has no account.", OWNER
    ),
    "APIs": Words(
        "All the services of Google that we need are switched on.", "Services of Google have to be switched on.", OWNER
    ),
    "enabling APIs": Words(
        "We have switched on the services of Google that were missing.",
        "We could not switch on the services of Google that are missing.",
        OWNER,
    ),
    "Kubernetes version": Words(
        "Google offers the version of Kubernetes that we need.",
        "Google does not offer this version of Kubernetes: choose another one.",
    ),
    "permissions": Words(
        "We are allowed to do all that is needed.", "We are not allowed to do all that is needed.", OWNER
    ),
    "quota": Words("Google's limits have been read.", "Google's limits could not be read."),
    "TPU quota": Words(
        "Google lets the project have as many TPU chips as we need.",
        "Google has to let the project have more TPU chips.",
        GOOGLE,
    ),
    "quota request": Words(
        "Google has been asked for more.", "Google has yet to decide on what it was asked for.", GOOGLE
    ),
    "machine type offered": Words(
        "The data centre has the kind of machine that we need.",
        "The data centre does not have the kind of machine that we need: choose another one.",
    ),
    "reservation": Words(
        "The machines that were reserved are free.", "The machines that were reserved are not there for us.", OWNER
    ),
    "standard machine type": Words(
        "The data centre has the ordinary machines too.",
        "The data centre does not have the ordinary machines that we need.",
    ),
    "CPU quota": Words(
        "There is room for the ordinary machines.", "Google has to let the project have more CPUs.", GOOGLE
    ),
    "disk quota": Words("There is room for the disks.", "Google has to let the project have more disks.", GOOGLE),
    "SSD quota": Words(
        "There is room for the fast disks.", "Google has to let the project have more fast disks.", GOOGLE
    ),
    "Hyperdisk quota": Words(
        "There is room for the disks of the TPU machines.",
        "Google has to let the project have more disks of the kind that TPU machines need.",
        GOOGLE,
    ),
    "address quota": Words(
        "There are enough internet addresses.", "Google has to let the project have more internet addresses.", GOOGLE
    ),
    "machine quota": Words(
        "There is room for all machines.", "Google has to let the project have more machines.", GOOGLE
    ),
    "cluster": Words(
        "Nobody else uses our name.", "Somebody else's machines have the name that we chose: ours need another.", YOU
    ),
    "place": Words(
        "The environment is in another data centre than planned.", "We do not know where the environment is."
    ),
    # the model hub's answer and the price
    "model access": Words(
        "Hugging Face lets us download the models.",
        "Hugging Face has to let us download a model: its licence has to be accepted, or the key renewed.",
        HUB,
    ),
    "cost": Words("We know what it costs.", "What it costs has to be decided on.", "whoever pays for it"),
}


def words(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The findings in sentences, what has to be done first."""
    parts: dict[str, list[Mapping[str, Any]]] = {"todo": [], "unseen": [], "ready": []}
    for finding in findings:
        part = {OK: "ready", FAILED: "todo"}.get(str(finding["verdict"]), "unseen")
        parts[part].append(finding)
    return [*_headline(len(parts["todo"]), len(parts["unseen"])), *_sections(parts)]


def _headline(todo: int, unseen: int) -> list[str]:
    if todo:
        return [f"Not ready yet: {todo} {'thing has' if todo == 1 else 'things have'} to be done first."]
    if unseen:
        return [f"Ready as far as we can see; {unseen} {'thing' if unseen == 1 else 'things'} could not be seen."]
    return ["Everything is ready."]


def _sections(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    if parts["todo"]:
        yield from ("", "To be done:")
        for finding in parts["todo"]:
            said = said_of(finding)
            yield f"  * {said.todo}"
            yield f"    Who: {said.who}."
            yield from _details(finding)
    if parts["unseen"]:
        yield from ("", "Not known, and perhaps no obstacle:")
        for finding in parts["unseen"]:
            yield f"  * {said_of(finding).todo}"
            yield from _details(finding)
    if parts["ready"]:
        yield from ("", "Ready:")
        for finding in parts["ready"]:
            price = f" {finding['found']}." if finding["check"] == "cost" else ""
            yield f"  * {said_of(finding).ready}{price}"


def _details(finding: Mapping[str, Any]) -> Iterator[str]:
    """What those need to know who do it, as it is."""
    yield f"    What we found: {finding['found']}"
    if finding.get("remedy"):
        yield f"    What helps: {finding['remedy']}"


def said_of(finding: Mapping[str, Any]) -> Words:
    """A check that has no words yet is named."""
    name = str(finding["check"])
    if name not in PLAIN and name.startswith("model "):
        name = "model access"
    return PLAIN.get(name, Words(f"The check {name!r} is fine.", f"The check {name!r} needs somebody."))


__all__ = ("PLAIN", "Words", "said_of", "words")
