# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""applyset: objects of ours as they are wanted, and nothing that is not ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.conflicts import (
    conflicts_of,
    may_take_over,
    refusal,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.definitions import (
    Set,
    Step,
    applied,
    differs,
    plan,
    served,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.fields import (
    Documents,
    Fault,
    faults_of,
    vanishing,
    without,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import ports_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import NO_MEMBERS, REFERENCE, ObjectSet, Place
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.membership import Member, Membership
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import (
    Json,
    Key,
    bare,
    by_rank,
    is_secret,
    keyed,
    logged,
    marked,
    secret_values,
    set_by_us,
    shown,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ANOTHERS, Whose, of_object

# Of a webhook whose pod is not up yet, or has no certificate yet.
_PASSING = ("failed calling webhook", "failed to call webhook", "no endpoints available", "connection refused")

# Of a webhook that cannot be asked without consequences: the API server then does not try at all.
_UNTRIED = "does not support dry run"
# The API server may name one unknown field at a time; so many of one object are looked for.
_LOOKS = 20

# With these the API server may quote what it was given, however it was encoded.
_QUOTING = (400, 422, 500)


@dataclass
class _Done:
    """What became of an object, and for a diff how it was and is."""

    key: Key
    action: str
    why: str = ""
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    # of what is deleted, so that another one of its name is not awaited
    uid: str = ""

    def public(self) -> Json:
        return {**self.key.public(), "action": self.action, "why": self.why}


@dataclass
class _Tried:
    """What the API server said to an object before anything was changed; no answer where it could not be asked."""

    answer: Json | None = None
    why: str = ""
    refusal: RhaiiError | None = None


class _Set:
    """One run of the capability."""

    def __init__(self, params: Params, ports: Ports, progress: Progress, check_mode: bool) -> None:
        self.environment = str(params["environment"])
        text = str(params.get("manifests") or "")
        self.documents = Documents(text) if text else None
        self.manifests = keyed(
            self.documents.objects if self.documents else params["objects"] or [], "manifests" if text else "objects"
        )
        self.definitions = ports.definitions
        self.sets = [Set.of(each) for each in params["definitions"]]
        self.dependents = [key for key, _manifest in keyed(params["dependents"], "dependents")]
        self.set = ObjectSet(**params["set"]) if params.get("set") else None
        self.no_members = NO_MEMBERS | set(params.get("not_members") or ())
        self.prunes = bool(params.get("prune", True))
        self.former = [key for key, _manifest in keyed(params.get("former_members") or [], "former_members")]
        self.check_mode = check_mode
        self.objects = ports.objects
        self.each = ports.each
        self.progress = progress
        self.clock = ports.clock
        self.deadline = Deadline(ports.clock, params["wait_timeout"])
        self.interval = float(params["wait_interval"])
        self.done: list[_Done] = []
        # names of definitions by what became of them, and whose those are that were left
        self.defined: dict[str, list[str]] = {name: [] for name in ("created", "changed", "unchanged", "left")}
        self.left: list[str] = []

    def result(self) -> Result:
        changed = [each for each in self.done if each.action in ("created", "changed", "deleted")]
        return {
            "changed": bool(changed or self.defined["created"] or self.defined["changed"]),
            "definitions": self.defined,
            "objects": [each.public() for each in self.done],
            "deleted": [str(each.key) for each in self.done if each.action == "deleted"],
            "left": [*self.left, *(f"{each.key} {each.why}" for each in self.done if each.action == "left")],
            "diff": {
                "before": {str(each.key): each.before for each in changed},
                "after": {str(each.key): each.after for each in changed},
            },
        }

    def define(self) -> None:
        """Definitions come before the objects that need them."""
        if not self.sets or self.definitions is None:
            return
        made: list[Step] = []
        left: list[str] = []
        for step in list(plan(self.sets, self.definitions.live(), self.environment)):
            if step.manifest is None:
                self.defined[step.action].append(step.key.name)
                left += [f"{step.key} {step.why}"] if step.action == "left" else []
                continue
            action = "created" if step.live is None else "changed"
            if not differs(step.live, applied(step, self.definitions, self.check_mode)):
                action = "unchanged"
            elif not self.check_mode:
                made.append(step)
            self.defined[action].append(step.key.name)
        self.left = left
        if made:
            told = [f"{len(self.defined[name])} {name}" for name in ("created", "changed") if self.defined[name]]
            self.progress(f"Definitions of kinds: {', '.join(told)}")
        # a megabyte takes the API server a while, which is not the time to wait for it
        self.deadline = Deadline(self.clock, self.deadline.timeout)
        for step in made:
            self.await_kind(served(step.manifest or {}))

    def present(self) -> None:
        """All are looked at and tried before the first is changed, so that a refusal leaves everything as it was."""
        keys = [key for key, _manifest in self.manifests]
        for key in keys:
            # asked here, so that what is asked at once finds it
            self.objects.knows(key)
        membership = self.membership()
        found = dict(zip(keys, self.each(self.objects.read, keys), strict=True))
        lives = {key: self.settled(key, found[key]) for key in keys}
        judged = {key: of_object(live, self.environment) for key, live in lives.items() if live is not None}
        kept = {key for key, whose in judged.items() if is_used_as_it_is(key, whose)}
        foreign = {key: whose for key, whose in judged.items() if not whose.is_ours and key not in kept}
        refuse_foreign({**foreign, **foreign_parent(membership)})
        wanted = {key: self.ours(key, manifest) for key, manifest in self.manifests if key not in kept}
        beside = membership.beside(keys, self.former) if membership else []
        coming = {key.name for key in wanted if key.kind == "Namespace" and lives[key] is None}

        def one(key: Key) -> _Tried:
            return self.tried(key, wanted[key], lives[key], is_coming=key.namespace in coming)

        tried: dict[Key, _Tried] = dict(zip(wanted, self.each(one, list(wanted)), strict=True))
        refuse([each.refusal for each in tried.values() if each.refusal])
        widened: _Done | None = None
        members = self.members_of(keys)
        for key in keys:
            if members and key == members[0]:
                widened = self.widen(membership, members)
            if key in kept:
                self.done.append(_Done(key, "left", judged[key].seems))
            else:
                self.done.append(self.apply(key, wanted[key], lives[key], tried[key]))
        if membership:
            self.let_go(membership, beside)
            self.narrow(membership, widened, members, is_coming=membership.of.namespace in coming)

    def ours(self, key: Key, manifest: Json) -> Json:
        found = marked(manifest, self.environment)
        return self.set.member(found) if self.set and self.members_of([key]) else found

    def members_of(self, keys: list[Key]) -> list[Key]:
        return [key for key in keys if self.set and key.kind not in self.no_members]

    def membership(self) -> Membership | None:
        return Membership(self.set, self.objects, self.each, self.environment) if self.set else None

    def widen(self, membership: Membership | None, keys: list[Key]) -> _Done | None:
        """The parent says where members may be before the first one is there: else a killed run would lose it."""
        if membership is None or self.check_mode or Place.of(keys) <= membership.place:
            return None
        return self.note(membership, membership.place | Place.of(keys), membership.parent)

    def narrow(self, membership: Membership, widened: _Done | None, members: list[Key], *, is_coming: bool) -> None:
        """The parent says where members are, once those that left are gone; without members there is none."""
        key = membership.of.key
        left = [each.key for each in self.done if each.action == "left"]
        place = Place.of([*members, *self.members_of(left)])
        parent = self.objects.read(key) if widened else membership.parent
        if place.kinds:
            done = self.note(membership, place, parent, is_coming=is_coming)
            self.done.append(widened if widened and done.action == "unchanged" else done)
        elif parent is not None:
            self.remove(key, parent)

    def note(self, membership: Membership, place: Place, parent: Json | None, *, is_coming: bool = False) -> _Done:
        key, manifest = membership.of.key, marked(membership.of.parent(place), self.environment)
        tried = self.tried(key, manifest, parent, is_coming=is_coming)
        if tried.refusal:
            raise tried.refusal
        return self.apply(key, manifest, parent, tried)

    def let_go(self, membership: Membership, beside: list[Member]) -> None:
        """What is in the set no more goes; what only carries its label is not ours to delete."""
        for member in reversed(beside):
            if not member.whose.is_ours:
                why = f"carries the label of the set {membership.of.name}, but {member.whose.seems}"
                self.done.append(_Done(member.key, "left", why))
            elif not self.prunes:
                self.done.append(
                    _Done(member.key, "left", f"is kept, though the set {membership.of.name} has it no more")
                )
            else:
                # with all that it owns: a model's pods hold nodes that others may be waiting for
                self.remove(member.key, member.live, f", since the set {membership.of.name} has it no more", whole=True)
        if not self.check_mode and any(each.action == "deleted" for each in self.done):
            # what was applied has had its own wait
            self.deadline = Deadline(self.clock, self.deadline.timeout)
            self.await_gone()

    def remove(self, key: Key, live: Json, why: str = "", *, whole: bool = False) -> None:
        if not self.check_mode:
            self.progress(f"{key}: deleting{why}")
            self.objects.delete(key, str(live["metadata"]["uid"]), whole=whole)
        self.done.append(_Done(key, "deleted", "", *shown(bare(live), {}), str(live["metadata"]["uid"])))

    def settled(self, key: Key, live: Json | None) -> Json | None:
        """An object as it stays: what is being deleted would take away what is applied to it."""
        said = False
        while True:
            if live is None or not live["metadata"].get("deletionTimestamp") or self.is_in_the_way(key, live):
                return live
            if self.check_mode:
                return None
            if self.deadline.passed:
                raise RhaiiError(
                    f"{key} is being deleted, and still there after {in_words(self.deadline.timeout)}.",
                    remedy="See what holds it (its finalizers and events: kubectl describe), and run the same again.",
                )
            if not said:
                self.progress(f"{key}: waiting until it is gone, to make it anew")
                said = True
            self.deadline.pause(self.interval)
            live = self.objects.read(key)

    def is_in_the_way(self, key: Key, live: Json) -> bool:
        whose = of_object(live, self.environment)
        return not whose.is_ours and not is_used_as_it_is(key, whose)

    def tried(self, key: Key, manifest: Json, live: Json | None, *, is_coming: bool) -> _Tried:
        """What would become of an object. What the set itself brings may be missing still."""
        zeros = vanishing(manifest)
        if zeros:
            return _Tried(refusal=self.refused(key, zeros))
        if not self.objects.knows(key):
            return _Tried(why="not asked: the API server does not know the kind yet")
        try:
            # check mode has no later moment to wait for a webhook
            ask = self.patiently if self.check_mode else self.taken_over
            return _Tried(ask(key, manifest, live, dry_run=True))
        except KubernetesError as error:
            if (self.check_mode or is_coming) and (error.status == 404 or error.is_of_ending_namespace):
                return _Tried(why="not asked: its namespace is not there yet")
            # before a webhook is called, the fields have been read
            if is_passing(error) and not self.check_mode:
                return _Tried(why="not asked: a webhook is not up yet")
            if error.status == 400 and _UNTRIED in error.message:
                return _Tried(why="not asked: a webhook cannot be asked without consequences")
            return _Tried(refusal=self.explained(key, manifest, live, error))
        except RhaiiError as error:
            return _Tried(refusal=error)

    def explained(self, key: Key, manifest: Json, live: Json | None, error: KubernetesError) -> RhaiiError:
        """A refusal in our words, with all fields that are refused."""
        if is_secret(manifest) and error.status in _QUOTING:
            return unquoted(key, error)
        faults = faults_of(error)
        return self.refused(key, self.all_faults(key, manifest, live, faults)) if faults else error

    def all_faults(self, key: Key, manifest: Json, live: Json | None, faults: list[Fault]) -> list[Fault]:
        """Without the fields that were named, the API server names the others."""
        found = list(faults)
        for _look in range(_LOOKS):
            rest: Json | None = manifest
            for fault in faults:
                rest = without(rest, fault.field) if rest is not None and fault.is_typed else None
            if rest is None:
                break
            manifest = rest
            try:
                self.taken_over(key, manifest, live, dry_run=True)
                break
            except KubernetesError as error:
                named = {fault.field for fault in found}
                faults = [fault for fault in faults_of(error) if fault.field not in named]
                if not faults:
                    break
                found += faults
            except RhaiiError:
                break
        return found

    def refused(self, key: Key, faults: list[Fault]) -> Refused:
        return Refused(
            key, [(fault, self.documents.line_of(key, fault.field) if self.documents else "") for fault in faults]
        )

    def apply(self, key: Key, manifest: Json, live: Json | None, tried: _Tried) -> _Done:
        answer = tried.answer
        if answer is None and self.check_mode:
            return self.created(key, manifest, tried.why)
        before = bare(live)
        # trying it was applying it, where nothing comes of it
        is_same = answer is not None and bare(answer) == before and set_by_us(answer) == set_by_us(live)
        if not self.check_mode and not is_same:
            self.await_kind(key)
            try:
                answer = self.patiently(key, manifest, live, dry_run=False)
            except KubernetesError as error:
                raise self.explained(key, manifest, live, error) from None
        after = bare(answer)
        if before == after:
            return _Done(key, "unchanged")
        if not self.check_mode:
            self.progress(f"{key}: {'created' if live is None else 'changed'}")
        return _Done(key, "created" if live is None else "changed", "", *shown(before, after))

    def created(self, key: Key, manifest: Json, why: str) -> _Done:
        return _Done(key, "created", why, *shown({}, manifest))

    def await_kind(self, key: Key) -> None:
        said = False
        while not self.objects.knows(key):
            if self.deadline.passed:
                raise RhaiiError(
                    f"{key} cannot be applied: the API server does not know the kind {key.kind} ({key.api_version}).",
                    remedy="Install its CRD first: the operator that brings it is missing or not up.",
                )
            if not said:
                self.progress(f"{key}: waiting until the API server knows {key.kind}")
                said = True
            self.deadline.pause(self.interval)

    def patiently(self, key: Key, manifest: Json, live: Json | None, *, dry_run: bool) -> Json:
        """Apply; a webhook that is not up yet is waited for."""
        said = False
        while True:
            try:
                return self.taken_over(key, manifest, live, dry_run=dry_run)
            except KubernetesError as error:
                if not is_passing(error) or self.deadline.passed:
                    raise
                if not said:
                    self.progress(f"{key}: waiting for a webhook ({error.message[:120]})")
                    said = True
            self.deadline.pause(self.interval)

    def taken_over(self, key: Key, manifest: Json, live: Json | None, *, dry_run: bool) -> Json:
        """Apply; what people set by hand on an object of ours is taken over."""
        if live is None:
            # there was no wait since the first look
            if not dry_run:
                self.refuse_newcomer(key)
        else:
            # another one of its name is not meant
            manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": live["metadata"]["uid"]}}
        try:
            return self.objects.apply(key, manifest, force=False, dry_run=dry_run)
        except KubernetesError as error:
            conflicts = conflicts_of(error)
            if not conflicts and error.status == 409:
                raise RhaiiError(
                    f"{key} changed while it was applied: {error.msg}.", remedy="Run the same again."
                ) from error
            if not conflicts:
                raise
            if live is None:
                raise appeared(key, "; ".join(map(str, conflicts))) from error
            if not may_take_over(conflicts):
                raise refusal(key, conflicts) from error
        return self.objects.apply(key, manifest, force=True, dry_run=dry_run)

    def refuse_newcomer(self, key: Key) -> None:
        """Applying would add our marks to it, and so make it ours; there may have been a wait since the first look."""
        found = self.objects.read(key)
        whose = Whose("") if found is None else of_object(found, self.environment)
        if found is not None and not whose.is_ours:
            raise appeared(key, f"it {whose.seems}")

    def absent(self) -> None:
        """What others need goes last. Nothing foreign is deleted, or waited for."""
        membership = self.membership()
        keys = [key for key, _manifest in self.manifests]
        members = {each.key: each for each in (membership.beside(keys) if membership else [])}
        for key in reversed(by_rank([*keys, *members])):
            member = members.get(key)
            live = member.live if member else self.objects.read(key)
            if live is None:
                self.done.append(_Done(key, "absent"))
                continue
            whose = member.whose if member else of_object(live, self.environment)
            if not whose.is_ours:
                self.done.append(_Done(key, "left", whose.seems))
            else:
                self.remove(key, live)
        if not self.check_mode:
            self.await_gone()
        if membership and membership.parent and membership.whose:
            if membership.whose.is_ours:
                self.remove(membership.of.key, membership.parent)
            else:
                self.done.append(_Done(membership.of.key, "left", membership.whose.seems))

    def await_gone(self) -> None:
        said: list[str] = []
        while True:
            left = self.still_there()
            if not left:
                return
            if self.deadline.passed:
                raise RhaiiError(
                    f"Still there after {in_words(self.deadline.timeout)}: {', '.join(left)}.",
                    remedy="See what holds it (its finalizers and events: kubectl describe), and run the same again.",
                )
            if left != said:
                self.progress(f"waiting until {', '.join(left)} {'is' if len(left) == 1 else 'are'} gone")
                said = left
            self.deadline.pause(self.interval)

    def still_there(self) -> list[str]:
        gone = {each.key for each in self.done if each.action in ("deleted", "absent")}
        found = [
            str(each.key)
            for each in self.done
            if each.action == "deleted"
            and (live := self.objects.read(each.key))
            and live["metadata"]["uid"] == each.uid
        ]
        for key in self.dependents:
            live = self.objects.read(key)
            if live is not None and belongs_to(live, gone):
                found.append(str(key))
        return found


def is_used_as_it_is(key: Key, whose: Whose) -> bool:
    """A namespace that somebody else made has room for what is ours, and gets no mark of ours."""
    return key.kind == "Namespace" and not whose.is_ours and whose.verdict != ANOTHERS


def belongs_to(live: Json, owners: set[Key]) -> bool:
    """Whether it goes with one of these, as its owner references say."""
    namespace = str((live.get("metadata") or {}).get("namespace") or "")
    return any(
        (owner.kind, owner.name) == (reference.get("kind"), reference.get("name"))
        and owner.namespace in ("", namespace)  # what has no namespace may own what has one
        for reference in (live.get("metadata") or {}).get("ownerReferences") or []
        for owner in owners
    )


def is_passing(error: KubernetesError) -> bool:
    return error.status in (429, 503) or (error.status == 500 and any(phrase in error.message for phrase in _PASSING))


# No answer, or not to us: the same for each object.
_OF_ALL = (0, 401)


class Refused(RhaiiError):
    """Fields of one object that the API server does not take."""

    def __init__(self, key: Key, faults: list[tuple[Fault, str]]) -> None:
        self.sentence = f"{key}: " + ", ".join(f"{fault}{f' ({line})' if line else ''}" for fault, line in faults)
        super().__init__(f"Not as the API server takes it: {self.sentence}.", remedy=_MEND)


_MEND = (
    "Mend these fields, or leave them out. If the API server does not know a field that it should, its CRD is of "
    "another release than the chart."
)


def refuse(refusals: list[RhaiiError]) -> None:
    """All at once; what is about fields becomes one list."""
    for each in refusals:
        if isinstance(each, KubernetesError) and each.status in _OF_ALL:
            raise each
    fields = [each for each in refusals if isinstance(each, Refused)]
    others = [each for each in refusals if not isinstance(each, Refused)]
    if len(refusals) == 1 and others:
        raise others[0]
    if refusals:
        said = [each.msg.rstrip(".") for each in others]
        if fields:
            said.append("Not as the API server takes it: " + "; ".join(each.sentence for each in fields))
        ways = dict.fromkeys([*(each.remedy for each in others), *([_MEND] if fields else [])])
        raise RhaiiError(
            f"{'. '.join(dict.fromkeys(said))}. Nothing was changed.", remedy=" ".join(way for way in ways if way)
        )


def foreign_parent(membership: Membership | None) -> dict[Key, Whose]:
    if membership is None or membership.whose is None or membership.whose.is_ours:
        return {}
    return {membership.of.key: membership.whose}


def unquoted(key: Key, error: KubernetesError) -> RhaiiError:
    return RhaiiError(
        f"{key} is refused by the API server ({error.status} {error.reason}). What it said is not shown, for it quotes "
        "what was given.",
        remedy="Check that each value of data is text in base64, and each of stringData plain text: numbers in quotes.",
    )


def appeared(key: Key, found: str) -> RhaiiError:
    return RhaiiError(
        f"{key} appeared while it was about to be made ({found}).", remedy="Run the same again: it is judged then."
    )


def refuse_foreign(foreign: dict[Key, Whose]) -> None:
    if foreign:
        named = "; ".join(f"{key} {whose.seems}" for key, whose in foreign.items())
        raise RhaiiError(
            f"Not of this environment, so left alone: {named}. Nothing was changed.",
            remedy="Give ours another name or another namespace, or remove what is there if it is yours to remove.",
        )


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    one = _Set(params, ports, progress, check_mode)
    try:
        if params["state"] == "present":
            one.define()
            one.present()
        else:
            one.absent()
    except RhaiiError as error:
        raise error.with_result(one.result()) from error
    return one.result()


def _read(params: Params) -> Any:
    """The objects, however they are given; None of a text that is none."""
    if not params.get("manifests"):
        return params.get("objects")
    try:
        return Documents(str(params["manifests"])).objects
    except RhaiiError:
        return None


def _secrets(params: Params) -> set[str]:
    return secret_values(_read(params))


def _logged(params: Params) -> Params:
    found = dict(params)
    if params.get("objects") is not None:
        found["objects"] = logged(params["objects"])
    if params.get("manifests"):
        given = _read(params)
        # a text is shown as it is, or not at all
        found["manifests"] = params["manifests"] if given is not None and logged(given) == given else "(hidden)"
    return found


CAPABILITY = Capability(
    name="applyset",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        objects={"type": "list", "elements": "dict"},
        manifests={"type": "str"},
        state={"type": "str", "default": "present", "choices": ["present", "absent"]},
        definitions={
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "path", "required": True},
                "unless": {"type": "str", "default": ""},
            },
        },
        dependents={"type": "list", "elements": "dict", "default": []},
        set={"type": "dict", "options": REFERENCE},
        prune={"type": "bool", "default": True},
        not_members={"type": "list", "elements": "str", "default": []},
        former_members={"type": "list", "elements": "dict", "default": []},
        **{name: spec for name, spec in wait_options(60, 5.0).items() if name != "wait"},
    ),
    ports=ports_of,
    run=run,
    mutually_exclusive=[("objects", "manifests")],
    required_one_of=[("objects", "manifests", "set")],
    required_if=[("state", "present", ("objects", "manifests"), True)],
    secrets=_secrets,
    logged=_logged,
)

__all__ = ("CAPABILITY", "belongs_to", "is_passing", "is_used_as_it_is", "refuse_foreign", "run")
