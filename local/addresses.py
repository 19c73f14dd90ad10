"""Every address, port and name of the local cluster, in one place.

Nothing here is reachable from another machine: servers listen on loopback or on the bridge's own address, and
`network.py` drops what other interfaces send to the bridge's ranges.
"""

BRIDGE = "slipway0"
NODE_NAME = "slipway"
NODE_IP = "10.88.0.1"
NODE_PREFIX = 16
POD_RANGE = "10.88.0.0/16"
POD_FIRST, POD_LAST = "10.88.1.0", "10.88.255.254"  # the bridge's first /24 stays free for the node itself
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
CLUSTER_DOMAIN = "cluster.local"

CONTEXT = "slipway-local"
BUILDER = "slipway"
INGRESS_CLASS = "nginx"
PROVISIONER = "slipway.dev/folder"  # as the storage classes in manifests/cluster.yaml name it
S3_REGION, S3_BUCKET = "us-east-1", "models"

LOOPBACK = "127.0.0.1"
API_PORT = 6443
ETCD_PORT, ETCD_PEER_PORT, ETCD_METRICS_PORT = 2379, 2380, 2381
REGISTRY_PORT = 5050
INGRESS_PORT, TRAEFIK_PORT = 8080, 8082
DNS_PORT, DNS_HEALTH_PORT, DNS_READY_PORT = 53, 8083, 8084
KUBELET_PORT, KUBELET_HEALTH_PORT = 10250, 10248
S3_PORT = 7070
PROVISIONER_PORT = 8085
PROMETHEUS_PORT = 9090
METRICS_SERVER_PORT, ADAPTER_PORT = 4443, 6444
KEDA_ADAPTER_PORT, KEDA_ADAPTER_METRICS_PORT = 6445, 8087
KEDA_METRICS_SERVICE_PORT, KEDA_HEALTH_PORT = 9666, 8088
OPERATOR_PORT = 8086
PROXY_METRICS_PORT, PROXY_HEALTH_PORT = 10249, 10256
CONTROLLER_PORT, SCHEDULER_PORT = 10257, 10259

API_URL = f"https://{NODE_IP}:{API_PORT}"
ETCD_URL = f"https://{LOOPBACK}:{ETCD_PORT}"
INGRESS_URL = f"http://{LOOPBACK}:{INGRESS_PORT}"
TRAEFIK_URL = f"http://{LOOPBACK}:{TRAEFIK_PORT}"
S3_URL = f"http://{NODE_IP}:{S3_PORT}"  # the bridge's address: pods and this machine use the same one
PROMETHEUS_URL = f"http://{NODE_IP}:{PROMETHEUS_PORT}"  # likewise
REGISTRY = f"localhost:{REGISTRY_PORT}"  # this spelling makes containerd and BuildKit speak plain HTTP
REGISTRY_URL = f"http://{LOOPBACK}:{REGISTRY_PORT}"

PAUSE_REPOSITORY, PAUSE_TAG = "pause", "1"
BASE_REPOSITORY, REDIS_REPOSITORY, BASE_TAG = "base/python", "base/redis", "bookworm"
PAUSE_IMAGE = f"{REGISTRY}/{PAUSE_REPOSITORY}:{PAUSE_TAG}"
