"""The pod of an image that knows nothing of Slipway: what it gets is what its entry names, and nothing else."""

from typing import Any

import yaml

from models.system import notices
from tests.components.deploying import deployed, of_service, system
from tests.components.reaching import pod as pod_of
from tests.contracts.flows import Connection, PolicySet
from tests.declared import Declared, Objects
from tests.recording import DIGEST
from tests.samples import Config, entry, service, stack

AMOUNTS = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "20m", "memory": "32Mi"}}
CHECKED = {"ready": "/ready", "live": "/alive"}
GIVEN = {"tls": {"values": {"tls.crt": "a"}}, "keys": {"values": {"API_KEY": "b"}}}
SECRETS = {"tls": {"kind": "files", "keys": ["tls.crt"]}, "keys": {"keys": ["API_KEY"]}}
PROXY = f"registry.example.com/proxy@{DIGEST}"


def foreign(**blocks: Any) -> Config:
    return service(**{"server": "other", "health": CHECKED, "model": None, **blocks})


def run(stack_data: Config | None = None, **blocks: Any) -> Objects[Declared]:
    given = {**stack(), "secrets": GIVEN, **(stack_data or {})}
    return deployed(entry(services={"web": foreign(**blocks)}, secrets=SECRETS), given)


def pod(**blocks: Any) -> dict[str, Any]:
    return run(**blocks).one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]


def server(**blocks: Any) -> dict[str, Any]:
    (only,) = pod(**blocks)["containers"]
    return only


def told(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def beside(**changes: Any) -> Config:
    return {"name": "auth", "image": PROXY, "resources": AMOUNTS, **changes}


def test_a_server_of_somebody_else_gets_its_port_and_nothing_of_ours() -> None:
    made = run()
    assert told(server()) == {"PORT": "5000"}
    assert made.of_kind("ConfigMap") == [one for one in made.of_kind("ConfigMap") if "dashboard" in one.object_name]
    assert {mount["mountPath"] for mount in server()["volumeMounts"]} == {"/tmp"}  # noqa: S108 -- a volume of the pod
    assert "slipway" not in yaml.safe_dump(server()).lower()


def test_what_the_entry_says_counts_more_than_what_the_stack_offers() -> None:
    tracing = {"tracing": {"url": "http://collector:4318"}}
    own = {"PORT": "80", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://own:4318", "AWS_REGION": "eu"}
    (container,) = run(tracing, env=own).one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]["containers"]
    assert told(container) == own
    assert len(container["env"]) == 3
    (container,) = run(tracing).one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]["containers"]
    assert told(container)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"


def test_command_and_arguments_are_those_of_the_entry() -> None:
    assert "command" not in server()
    made = server(command=["gunicorn"], args=["-w", "2"])
    assert (made["command"], made["args"]) == (["gunicorn"], ["-w", "2"])


def test_a_user_is_ours_the_images_the_namespaces_or_a_number() -> None:
    context = {
        user: pod(**({"user": user} if user else {}))["securityContext"] for user in (None, "image", "namespace", 1001)
    }
    ids = {
        user: {key: value for key, value in one.items() if key in ("runAsUser", "runAsGroup", "fsGroup")}
        for user, one in context.items()
    }
    assert ids == {
        None: {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001},
        "image": {"fsGroup": 10001},
        "namespace": {},
        1001: {"runAsUser": 1001, "runAsGroup": 1001, "fsGroup": 1001},
    }
    assert all(one["runAsNonRoot"] is True for one in context.values())


def test_home_and_writable_folders_are_volumes_with_a_limit() -> None:
    made = pod(home={"path": "/srv/app", "size": "8Mi"}, writable={"/var/cache/app": "16Mi"})
    (container,) = made["containers"]
    sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in made["volumes"] if "emptyDir" in volume}
    by_path = {mount["mountPath"]: sizes[mount["name"]] for mount in container["volumeMounts"]}
    assert by_path == {"/tmp": "64Mi", "/srv/app": "8Mi", "/var/cache/app": "16Mi"}  # noqa: S108
    assert told(container)["HOME"] == "/srv/app"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "HOME" not in told(server())


def test_each_check_is_the_probe_of_its_kind_with_its_own_pace() -> None:
    made = server(
        ports={"grpc": 9000, "admin": 9001},
        health={
            "ready": {"grpc": {"port": "grpc", "service": "model"}},
            "live": {"http": {"path": "/alive", "port": "admin", "headers": {"Host": "a"}}},
            "starting": {"check": {"exec": ["started"]}, "period": "4s"},
            "startup": "61s",
            "liveness": {"period": "30s", "timeout": "9s", "failures": 5},
        },
    )
    pace = {"periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 3}
    assert made["readinessProbe"] == {"grpc": {"port": 9000, "service": "model"}, **pace}
    http = {"path": "/alive", "port": "admin", "httpHeaders": [{"name": "Host", "value": "a"}]}
    assert made["livenessProbe"] == {"httpGet": http, "periodSeconds": 30, "timeoutSeconds": 9, "failureThreshold": 5}
    starting = {"periodSeconds": 4, "timeoutSeconds": 3, "failureThreshold": 16}
    assert made["startupProbe"] == {"exec": {"command": ["started"]}, **starting}
    connected = server(health={**CHECKED, "live": {"tcp": {}}, "ready": {"grpc": {}}})
    assert connected["livenessProbe"] == {"tcpSocket": {"port": "web"}, **pace}
    assert connected["readinessProbe"] == {"grpc": {"port": 5000}, **pace}


def test_further_ports_are_open_to_callers_and_closed_to_the_internet() -> None:
    made = run(ports={"grpc": 9000})
    assert server(ports={"grpc": 9000})["ports"] == [
        {"name": "web", "containerPort": 5000},
        {"name": "grpc", "containerPort": 9000},
    ]
    further = {"name": "grpc", "port": 9000, "targetPort": "grpc", "protocol": "TCP"}
    assert further in made.one("Service", "web-blue").inputs["spec"]["ports"]
    assert further in made.one("Service", "web").inputs["spec"]["ports"]
    public = run(ports={"grpc": 9000}, exposure={"type": "LoadBalancer"})
    assert [port["name"] for port in public.one("Service", "web").inputs["spec"]["ports"]] == ["web"]


def test_a_caller_reaches_every_port_of_its_callee_and_no_other_pod_does() -> None:
    services = {"web": foreign(ports={"grpc": 9000}), "api": service(calls=["web"]), "spy": service()}
    made = deployed(entry(services=services))
    rules = PolicySet(policy.inputs for policy in made.of_kind("NetworkPolicy"))
    numbers = {"web": 5000, "grpc": 9000}
    web = pod_of("web", ports={("web", "TCP"): 5000, ("grpc", "TCP"): 9000})
    assert [rules.allow(Connection(pod_of("api"), web, port)) for port in numbers.values()] == [True, True]
    assert [rules.allow(Connection(pod_of("spy"), web, port)) for port in numbers.values()] == [False, False]


def test_a_file_is_mounted_alone_from_a_config_map_or_a_secret() -> None:
    files = {
        "/app/a_b.toml": {"text": "one"},
        "/app/a/b.toml": {"text": "two"},
        "/run/tls.crt": {"secret": "tls", "key": "tls.crt"},
        "/run/key": {"secret": "keys", "key": "API_KEY"},
    }
    made = run(fileMounts=files)
    spec = made.one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"] if "subPath" in mount}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert mounts.keys() == files.keys()
    assert all(mount["readOnly"] for mount in mounts.values())
    texts = made.one("ConfigMap", volumes[mounts["/app/a_b.toml"]["name"]]["configMap"]["name"])
    assert [texts.inputs["data"][mounts[path]["subPath"]] for path in ("/app/a_b.toml", "/app/a/b.toml")] == [
        "one",
        "two",
    ]
    assert texts.inputs["immutable"] is True
    assert texts.urn in made.one("Deployment", "web-blue").depends_on
    secret = volumes[mounts["/run/tls.crt"]["name"]]["secret"]
    assert secret["defaultMode"] == 0o440
    assert made.one("Secret", secret["secretName"]).inputs["stringData"] == {"tls.crt": "a"}
    assert (mounts["/run/tls.crt"]["subPath"], mounts["/run/key"]["subPath"]) == ("tls.crt", "API_KEY")


def test_another_text_is_another_config_map_and_so_a_rollout() -> None:
    one, two = (
        {config.object_name for config in run(fileMounts={"/a": {"text": text}}).of_kind("ConfigMap")} for text in "ab"
    )
    assert len(one ^ two) == 2


def test_sidecars_start_first_and_run_on_and_init_containers_end_before_the_server() -> None:
    made = pod(
        home={"path": "/srv/app"},
        ports={"app": 8080},
        health={"ready": {"http": {"path": "/", "port": "app"}}, "live": {"tcp": {"port": "app"}}},
        sidecars=[
            beside(entrance=True, ready="/ping", startup="9s", secrets=["keys"]),
            beside(name="logs", image=None, paths=["/srv/app"], writable={"/buffer": "1Mi"}, user=65532),
        ],
        init=[beside(name="migrate", command=["migrate"], args=["up"], fileMounts={"/etc/m": {"text": "m"}})],
    )
    auth, logs, migrate = made["initContainers"]
    assert [one.get("restartPolicy") for one in (auth, logs, migrate)] == ["Always", "Always", None]
    assert auth["ports"] == [{"name": "web", "containerPort": 5000}]
    (main,) = made["containers"]
    assert main["ports"] == [{"name": "app", "containerPort": 8080}]
    assert auth["startupProbe"] == {
        "httpGet": {"path": "/ping", "port": "web"},
        "periodSeconds": 1,
        "timeoutSeconds": 3,
        "failureThreshold": 9,
    }
    assert (auth["readinessProbe"]["periodSeconds"], auth["readinessProbe"]["failureThreshold"]) == (5, 3)
    assert (auth["image"], logs["image"]) == (PROXY, main["image"])
    assert [variable["name"] for variable in auth["env"]] == ["API_KEY"]
    paths = {mount["mountPath"]: mount["name"] for mount in logs["volumeMounts"]}
    assert paths["/srv/app"] == {mount["mountPath"]: mount["name"] for mount in main["volumeMounts"]}["/srv/app"]
    assert {"name": paths["/buffer"], "emptyDir": {"sizeLimit": "1Mi"}} in made["volumes"]
    assert logs["securityContext"]["runAsUser"] == 65532
    assert (migrate["command"], migrate["args"]) == (["migrate"], ["up"])
    assert [mount["mountPath"] for mount in migrate["volumeMounts"]] == ["/tmp", "/etc/m"]  # noqa: S108
    for one in (auth, logs, migrate):
        context = one["securityContext"]
        assert context["runAsNonRoot"] is context["readOnlyRootFilesystem"] is True
        assert (context["allowPrivilegeEscalation"], context["capabilities"]) == (False, {"drop": ["ALL"]})


def test_the_quota_has_room_for_what_runs_beside_the_server() -> None:
    def limit(key: str = "limits.cpu", **blocks: Any) -> str:
        return run(**{"scaling": {"replicas": 1}, **blocks}).one("ResourceQuota").inputs["spec"]["hard"][key]

    large = {"requests": {"cpu": "3", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "1Gi"}}
    assert limit() == "12"  # two slots of three pods with two cores each
    assert limit(sidecars=[beside(resources=large)]) == "36"
    assert limit("requests.cpu", sidecars=[beside(resources=large)]) == "24"
    assert limit(init=[beside(resources=large)]) == "24"
    assert limit(init=[beside(resources=large)], sidecars=[beside(name="b", resources=large)]) == "48"


def test_beside_sidecars_the_autoscaler_measures_the_server_alone() -> None:
    def metric(**blocks: Any) -> Config:
        return run(**blocks).one("HorizontalPodAutoscaler").inputs["spec"]["metrics"][0]

    assert metric()["type"] == "Resource"
    measured = metric(sidecars=[beside()])
    assert (measured["type"], measured["containerResource"]["container"]) == ("ContainerResource", "server")
    triggers = {"minReplicas": 1, "maxReplicas": 2, "triggers": {"busy": {"cpu": {"utilization": 70}}}}
    (cpu,) = run(scaling=triggers, sidecars=[beside()]).one("ScaledObject").inputs["spec"]["triggers"]
    assert cpu["metadata"] == {"value": "70", "containerName": "server"}


BASELINE = {"standard": "baseline", "why": "the vendor's image starts as root", "capabilities": ["CHOWN", "SETUID"]}


def test_a_pod_that_needs_baseline_gets_it_and_the_namespace_admits_it() -> None:
    made = run(user=0, podSecurity=BASELINE)
    labels = made.one("Namespace").inputs["metadata"]["labels"]
    kinds = {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")}
    assert kinds == {"enforce": "baseline", "warn": "restricted", "audit": "restricted"}
    spec = made.one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsNonRoot"]) == (0, False)
    assert container["securityContext"]["runAsNonRoot"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN", "SETUID"]}
    assert pod(user="image")["securityContext"]["runAsNonRoot"] is True
    assert pod(podSecurity=BASELINE)["securityContext"]["runAsNonRoot"] is True
    (sidecar,) = pod(sidecars=[beside(user="image")])["initContainers"]
    assert sidecar["securityContext"]["runAsNonRoot"] is True


def test_every_preview_says_which_pods_need_baseline_and_why() -> None:
    def shown(**changes: Any) -> list[tuple[str, bool]]:
        blocks = foreign(user=0, podSecurity=BASELINE)
        return list(notices(system(of_service(**blocks), stack(**changes)), "dev"))

    says = (
        "web: its pods need the Pod Security Standard baseline and run as root with CHOWN and SETUID: the vendor's "
        "image starts as root (podSecurity); "
    )
    assert shown() == [(f"{says}so the whole namespace enforces no stricter standard", True)]
    theirs = {"entry": "shop", "environment": "dev", "existingNamespace": True}
    assert shown(system=theirs) == [(f"{says}the namespace's owner must permit it", True)]
    assert not list(notices(system(of_service()), "dev"))
