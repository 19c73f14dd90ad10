"""What breaks the rules of variables, secrets and files of containers, in the entry of ``test_entry_rules``."""

from tests.samples import Config, service

COMPANION: Config = {"name": "beside", "resources": service()["resources"]}
CONTAINERS: dict[str, tuple[object, str]] = {
    "services.worker.env": (
        {"PORT": "80"},
        "services.worker: the variable PORT of env is one that Slipway sets; choose another name",
    ),
    "secrets.database.keys": (
        ["OTEL_EXPORTER_OTLP_ENDPOINT"],
        (
            "services.web: the variable OTEL_EXPORTER_OTLP_ENDPOINT of secrets database is one that Slipway sets; "
            "choose another name"
        ),
    ),
    "environments.dev.jobs.train.env": (
        {"AWS_REGION": "eu"},
        "environments.dev.jobs.train: the variable AWS_REGION of env is one that Slipway sets; choose another name",
    ),
    "services.web.sidecars": (
        [COMPANION | {"secrets": ["databse"]}],
        (
            "services.web.sidecars.0.secrets: 'databse' is not a secret of kind variables (database, storage)"
            "; did you mean 'database'?"
        ),
    ),
    "services.web.init": (
        [COMPANION | {"secrets": ["database"], "env": {"USER": "a"}}],
        "services.web.init.0: the variable USER is set twice, by env and by secrets database; remove one",
    ),
    "services.worker.init": (
        [COMPANION | {"fileMounts": {"/a": {"secret": "databse", "key": "USER"}}}],
        (
            "services.worker.init.0.fileMounts./a: 'databse' is not a secret of kind variables or files "
            "(database, storage); did you mean 'database'?"
        ),
    ),
    "services.web.fileMounts": (
        {"/run/user": {"secret": "database", "key": "USR"}},
        "services.web.fileMounts./run/user.key: 'USR' is not a key of database (USER, PASSWORD); did you mean 'USER'?",
    ),
    "services.worker.fileMounts": (
        {"/run/user": {"secret": "registry", "key": "USER"}},
        (
            "services.worker.fileMounts./run/user: 'registry' is not a secret of kind variables or files "
            "(database, storage)"
        ),
    ),
}
