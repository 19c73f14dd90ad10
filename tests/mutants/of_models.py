"""Mutants of ``models/`` and of reading the catalogue: bad input that would be let in."""

from tests.mutants.mutant import Mutant

ENTRY = "models/entry.py"
FITTING = "models/stack_rules.py"
MODEL = "models/model.py"
REFERENCES = "models/entry_rules.py"
SECRETS = "models/secrets.py"
SERVICE = "models/service.py"
STORES = "models/stores.py"
SYSTEM = "models/resolve.py"

MUTANTS = [
    Mutant(
        "models/gate.py", "if fault := bound_fault(within):", "if False:", "a bound that no bucket has: never a verdict"
    ),
    Mutant("models/gate.py", "    if name in _OWN:\n", "    if False:\n", "a check hides the errors"),
    Mutant(
        "models/service.py",
        'if self.route is None and getattr(self.release, "match"',
        'if False and getattr(self.release, "match"',
        "a release that is refused only when it begins",
        "models/test_gate.py",
    ),
    Mutant("models/service.py", "route.timeout <= limit", "route.timeout < limit", "slow requests are repeated"),
    Mutant("models/routing.py", "        if self.timeout is None:\n", "        if False:\n", "a silent pod for 60 s"),
    Mutant(
        "models/routing.py", "        if self.max_body is None:\n", "        if False:\n", "bodies of any size are kept"
    ),
    Mutant("models/routing.py", "if self.retries.tries == 1:", "if False:", "retries that are none"),
    Mutant("models/base.py", 'extra="forbid"', 'extra="ignore"', "a mistyped key is ignored"),
    Mutant("models/parsing.py", "by_name=False", "by_name=True", "snake_case keys are taken"),
    Mutant("models/resources.py", "if parse(asked) > parse(most):", "if False:", "requests above limits"),
    Mutant("models/scaling.py", "if self.min_replicas > self.max_replicas:", "if False:", "min above max"),
    Mutant(
        "models/scaling.py",
        "trigger.redis or trigger.prometheus for",
        "not trigger.cpu for",
        "a fallback that nothing can ever ask for",
    ),
    Mutant("models/scaling.py", "<= self.fallback.replicas <=", "<= self.max_replicas >=", "a fallback that is cut"),
    Mutant(
        "models/scaling.py",
        "if (self.max_unavailable is None) == (self.min_available is None):",
        "if self.max_unavailable is None and self.min_available is None:",
        "a PDB with both bounds",
    ),
    Mutant("models/release.py", "if self.live not in self.slots:", "if not self.slots:", "the live slot is empty"),
    Mutant(
        "models/release.py",
        "100 - self.weight if slot == self.live else self.weight",
        "self.weight if slot == self.live else 100 - self.weight",
        "the shares of the slots are swapped",
    ),
    Mutant("models/lifecycle.py", "if self.grace < used:", "if self.grace < self.drain:", "grace forgets preStop"),
    Mutant("models/lifecycle.py", "if used < self.request_timeout:", "if False:", "requests are cut off"),
    Mutant("models/service.py", "if startup > deadline:", "if False:", "slow starts fail their rollout"),
    Mutant(
        "models/vocabulary.py",
        "if not at or not _DIGEST.fullmatch(digest):",
        "if not at:",
        "a short digest or <none> passes for one",
    ),
    Mutant(
        "models/vocabulary.py",
        "Percent = Annotated[int, Field(strict=True, ge=0, le=100)]",
        "Percent = Annotated[int, Field(strict=True, ge=0, le=1000)]",
        "weight 101",
    ),
    Mutant("models/vocabulary.py", "except (re.error,", "except (KeyError,", "a bad pattern ends in a traceback"),
    Mutant("models/quantity.py", "if parse(value) <= 0:", "if parse(value) < 0:", "a request of nothing"),
    Mutant("models/quantity.py", "Decimal(1024) **", "Decimal(1000) **", "binary units read as decimal ones"),
    Mutant(
        "models/routing.py",
        "if len(set(hosts)) != len(hosts):",
        "if len(set(self.stable_hosts)) != len(self.stable_hosts):",
        "a host both split and stable",
    ),
    Mutant("models/errors.py", 'return "[secret]: "', 'return f"{value}: "', "a secret is repeated in an error"),
    Mutant("models/errors.py", 'elif step != "[key]":', "else:", "pydantic's markers in a path"),
    Mutant("catalog/__init__.py", "if str(key.value) in keys:", "if False:", "a key given twice"),
    Mutant(REFERENCES, "if own in calls:", "if False:", "a service that calls itself"),
    Mutant(REFERENCES, "if key in owners:", "if False:", "a variable that is given twice"),
    Mutant(REFERENCES, "if name.endswith(RESERVED_ENDINGS):", "if False:", "a service called like a slot"),
    Mutant(REFERENCES, 'if group != "services" and name in', "if name in () and", "a store called like a service"),
    Mutant(REFERENCES, "if name not in known:", "if not name:", "a name that leads nowhere"),
    Mutant(REFERENCES, "set(job.before) & set(job.calls)", "set[str]()", "a Job and a service wait for each other"),
    Mutant(REFERENCES, 'if spec.model.scheme == "pvc":', "if False:", "a model on a volume of nobody"),
    Mutant(REFERENCES, 'if secret.kind == "variables"}', "if secret.kind}", "credentials as a variable"),
    Mutant(REFERENCES, "_LONGEST_STORE = 52", "_LONGEST_STORE = 63", "a store whose pods nobody can make"),
    Mutant(REFERENCES, 'if f"{name}-data" in entry.volumes:', "if False:", "a volume that is a store's too"),
    Mutant(FITTING, "and content.model.scheme != spec.model.scheme:", "and False:", "a model that is not fetched"),
    Mutant(FITTING, "if content.image is None and", "if False and", "staging may run without a digest"),
    Mutant(
        FITTING,
        "owners.setdefault(address, name)) != name:",
        "owners.setdefault(address, name)) == 7:",
        "two on a host",
    ),
    Mutant(
        FITTING, "and source.given != set(spec.names):", "and not source.given:", "a secret without one of its keys"
    ),
    Mutant(FITTING, 'if source is None and spec.kind == "registry":', "if source is None:", "a secret from nowhere"),
    Mutant(FITTING, "if users and system.object_storage is None:", "if False:", "a model from nowhere"),
    Mutant(
        FITTING,
        "for name, job in system.jobs.items() if job.object_storage]",
        "for name in ()]",
        "a Job without storage",
    ),
    Mutant(
        FITTING,
        "for trigger in triggers) and system.cluster.prometheus_url is None:",
        "for trigger in triggers) and False:",
        "KEDA asks nobody",
    ),
    Mutant(FITTING, "if external not in system.externals:", "if False:", "an external server of no address"),
    Mutant(FITTING, "if len(system.namespace) > LABEL_LENGTH:", "if False:", "a namespace of too long a name"),
    Mutant(FITTING, "isinstance(decoded(value.get_secret_value()), dict)", "value", "a login that is none"),
    Mutant(FITTING, ": is no JSON object", ": {value.get_secret_value()} is no JSON object", "a login in an error"),
    Mutant(MODEL, "if self.checksum and not self.fetched:", "if False:", "a checksum that nobody checks"),
    Mutant(MODEL, ', "checksum": version.checksum}', "}", "another model with the checksum of the first"),
    Mutant(MODEL, " or not _FORMS[scheme].fullmatch(value):", ":", "a model in the folder above"),
    Mutant(MODEL, "        digest_reference(rest)", "        pass", "a model's image by a tag"),
    Mutant(MODEL, "if self.cache and self.cache.path == self.path:", "if False:", "a cache over the model"),
    Mutant(SECRETS, 'if self.kind == "registry" and self.keys:', "if False:", "credentials with variables"),
    Mutant(
        SECRETS,
        'if self.kind == "registry" else self.keys',
        "if False else self.keys",
        "credentials without a key",
        "components/test_secrets.py",
    ),
    Mutant(SECRETS, "if len(set(self.keys)) != len(self.keys):", "if False:", "a variable twice"),
    Mutant(STORES, "if self.path and self.command:", "if False:", "a probe of two kinds"),
    Mutant(STORES, "if self.startup < self.period:", "if False:", "a store that may never start"),
    Mutant(STORES, "if getattr(self, name) is None]:", "if name is None]:", "a store without resources"),
    Mutant("models/jobs.py", "parse(self.scratch) + parse(LOG_ROOM) >", "parse(self.scratch) >", "an evicted Job"),
    Mutant("models/files.py", "if size > MOST_BYTES:", "if False:", "files that no ConfigMap holds"),
    Mutant(SERVICE, "keep >= max(floor, 1)", "keep > max(floor, 1)", "a PDB that blocks every drain"),
    Mutant(SERVICE, "if path == taken:", "if False:", "two volumes in one folder"),
    Mutant(SERVICE, "if self.model and self.model.fetched else 0", "if False else 0", "a model that gets pods evicted"),
    Mutant(
        SERVICE,
        "if self.shared_memory and",
        "if False and",
        "shared memory that kills the server",
        "components/test_pods.py",
    ),
    Mutant(
        ENTRY,
        "{**dict(self.services[service]), **changes}",
        "dict(self.services[service])",
        "an environment's service is the entry's",
    ),
    Mutant(
        ENTRY,
        "ServiceSpec.model_validate({**dict(self.services[service]), **changes})",
        "ServiceSpec.model_construct(**{**dict(self.services[service]), **changes})",
        "an overlay is not validated again",
    ),
    Mutant(ENTRY, ".model_copy(update=_changes(overlay))", ".model_copy()", "an environment's store is the entry's"),
    Mutant(
        ENTRY, "{**self.volumes, **self.environments[environment].volumes}", "dict(self.volumes)", "one size for all"
    ),
    Mutant(SYSTEM, "in used - stack.images.keys()", "in used", "an image that is given is built all the same"),
    Mutant(
        "models/system.py",
        'if secret.spec.kind == "registry"]',
        "if False]",
        "no credentials for pulls",
        "components/test_secrets.py",
    ),
    Mutant(SYSTEM, "protect=changes.protect", "protect=False", "data is deleted", "components/test_stores.py"),
    Mutant(
        "models/stack.py",
        "return self.namespace or ",
        "return ",
        "the namespace is another one",
        "models/test_entry.py",
    ),
    Mutant(SYSTEM, "if entry.name != stack.system.entry:", "if False:", "a copied entry deploys over its source"),
]
