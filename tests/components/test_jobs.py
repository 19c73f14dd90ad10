"""A Job works on temporary resources, ends in bounded time, and what needs its result waits for it."""

from tests.components.deploying import registered
from tests.recording import Recorded
from tests.samples import Config, entry, service, stack

AMOUNTS = {"cpu": "100m", "memory": "64Mi"}
KEYS = {"AWS_ACCESS_KEY_ID": "a"}


def system(**changes: object) -> Recorded:
    job: Config = {
        "image": "server",
        "args": ["digits", "--seed", "1"],
        "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
        "before": ["web"],
        **changes,
    }
    given = entry(
        services={"web": service(), "api": service()},
        secrets={"s3": {"keys": list(KEYS)}},
        environments={"dev": {"jobs": {"train": job}}},
    )
    storage = {"objectStorage": {"url": "https://s3.example.com"}, "secrets": {"s3": {"values": KEYS}}}
    return registered(given, {**stack(), **storage})


def test_a_job_is_bounded_in_attempts_time_and_afterlife() -> None:
    run = system(retries=4, deadline="7m", keep="90s")
    job = run.one("Job")
    spec = job.inputs["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (4, 420, 90)
    assert job.create_timeout == "420s"
    assert job.deleted_first, "`pulumi up --replace` would find the failed Job by its name"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["podReplacementPolicy"] == "Failed", "two trainers would publish at once"


def test_only_the_services_that_need_its_result_wait_for_it() -> None:
    run = system()
    job = run.one("Job")
    waits = {d.object_name: job.urn in d.depends_on for d in run.of_kind("Deployment")}
    assert waits == {"web-blue": True, "api-blue": False}


def test_other_work_is_another_job() -> None:
    names = {system(args=["digits", "--seed", seed]).one("Job").object_name for seed in ("1", "2")}
    assert len(names) == 2
    assert all(name.startswith("train-") for name in names)


def test_it_gets_its_arguments_secrets_and_object_storage_and_room_to_work() -> None:
    run = system(objectStorage=True, secrets=["s3"], env={"STEPS": "3"}, scratch="300Mi")
    job = run.one("Job")
    spec = job.inputs["spec"]["template"]["spec"]
    (worker,) = spec["containers"]
    assert worker["args"] == ["digits", "--seed", "1"]
    assert [v["name"] for v in worker["env"]] == ["STEPS", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID"]
    assert spec["volumes"] == [{"name": "scratch", "emptyDir": {"sizeLimit": "300Mi"}}]
    assert spec["serviceAccountName"] == "train"
    assert run.one("Secret").urn in job.depends_on


def test_without_object_storage_it_is_not_told_where_that_is() -> None:
    job = system().one("Job")
    (worker,) = job.inputs["spec"]["template"]["spec"]["containers"]
    assert worker["env"] == []
