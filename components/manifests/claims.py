"""The PersistentVolumeClaims of a system."""

from components import names
from models.storage import Volume
from models.system import SystemSpec


def claims(system: SystemSpec) -> dict[str, Volume]:
    """Return the volumes to claim, by claim name: the system's volumes and one per store, without existing claims."""
    volumes = {**system.volumes, **{names.data_claim(key): store.volume for key, store in system.stores.items()}}
    return {claim: volume for claim, volume in volumes.items() if not volume.existing}
