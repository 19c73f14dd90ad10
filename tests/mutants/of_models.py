"""Mutants of ``models/`` and of reading the catalogue: bad input that would be let in."""

from tests.mutants.mutant import Mutant

MUTANTS = [
    Mutant("models/base.py", 'extra="forbid"', 'extra="ignore"', "a mistyped key is ignored"),
    Mutant("models/parsing.py", "by_name=False", "by_name=True", "snake_case keys are taken"),
    Mutant("models/resources.py", "if parse(asked) > parse(most):", "if False:", "requests above limits"),
    Mutant("models/scaling.py", "if self.min_replicas > self.max_replicas:", "if False:", "min above max"),
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
    Mutant("models/service.py", "keep >= floor", "keep > floor", "a PDB that blocks every drain"),
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
    Mutant(
        "models/entry.py",
        "blocks |= {field: getattr(overlay, field) for field in overlay.model_fields_set}",
        "blocks |= {}",
        "an environment's overlay is not applied",
    ),
    Mutant(
        "models/entry.py",
        "ServiceSpec.model_validate(blocks)",
        "ServiceSpec.model_construct(**blocks)",
        "an overlay is not validated again",
    ),
    Mutant(
        "models/system.py",
        "if environment != first:",
        'if environment == "prod":',
        "staging may run without a digest",
    ),
    Mutant(
        "models/system.py",
        "if (owner := owners.setdefault(route, name)) != name:",
        "if (owner := owners.setdefault(route, name)) == '':",
        "two services on one route",
    ),
    Mutant("models/errors.py", 'return "[secret]: "', 'return f"{value}: "', "a secret is repeated in an error"),
    Mutant("models/errors.py", 'elif step != "[key]":', "else:", "pydantic's markers in a path"),
    Mutant("catalog/__init__.py", "keys.count(key) > 1", "keys.count(key) > 2", "a key given twice"),
]
