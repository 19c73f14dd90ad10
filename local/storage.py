"""The S3 server and the volume provisioner, as rows of the table of daemons."""

from local import addresses, probes
from local.daemon import Daemon, Port
from local.paths import Paths

_HEALTH = "/health"


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the S3 server and the volume provisioner."""
    return (_s3(paths), _volume_provisioner(paths))


def s3_exports(paths: Paths) -> dict[str, str]:
    """Return the variables that name the S3 server and its root account; a stack file takes its secrets from them."""
    at = paths.addresses
    access, secret = _credentials(paths)
    return {
        "SLIPWAY_S3_ENDPOINT": at.s3_url,
        "SLIPWAY_S3_ACCESS_KEY": access,
        "SLIPWAY_S3_SECRET_KEY": secret,
    }


def _credentials(paths: Paths) -> tuple[str, str]:
    return (paths.etc / "s3-access-key").read_text("utf-8"), (paths.etc / "s3-secret-key").read_text("utf-8")


def _s3(paths: Paths) -> Daemon:
    at = paths.addresses
    home = paths.state / "s3"
    access, secret = _credentials(paths)
    return Daemon(
        name="s3",
        binary="versitygw",
        arguments=(
            f"-listen={at.node_ip}:{at.ports.s3}",
            f"-region={addresses.S3_REGION}",
            f"-data={home}/buckets",
            f"-metadata={home}/metadata",
            f"-buckets={addresses.S3_BUCKET}",
            f"-health={_HEALTH}",
        ),
        probe=probes.http(at.s3_url + _HEALTH),
        ports=(Port(number=at.ports.s3, address=at.node_ip),),
        environment={"S3_ACCESS_KEY": access, "S3_SECRET_KEY": secret},
    )


def _volume_provisioner(paths: Paths) -> Daemon:
    at = paths.addresses
    health = f"{addresses.LOOPBACK}:{at.ports.volume_provisioner}"
    return Daemon(
        name="volume-provisioner",
        binary="volume-provisioner",
        needs=("kube-apiserver", "cluster-objects"),
        arguments=(
            f"-kubeconfig={paths.pki}/volume-provisioner.kubeconfig",
            f"-name={addresses.PROVISIONER}",
            f"-root={paths.state}/volumes",
            f"-node={addresses.NODE_NAME}",
            f"-listen={health}",
        ),
        probe=probes.http(f"http://{health}/healthz"),
        ports=(Port(number=at.ports.volume_provisioner),),
    )
