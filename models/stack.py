"""The stack's configuration: the whole ``slipway:`` namespace, every key of it."""

from pydantic import Field

from models.base import Model
from models.cluster import ClusterSettings
from models.image import ImageSettings
from models.release import ServiceRelease
from models.vocabulary import Name


class SystemChoice(Model):
    """Which catalogue entry this stack runs, as which environment."""

    entry: Name = Field(description="catalog/<entry>.yaml", examples=["classifier"])
    environment: Name = Field(description="one of the entry's environments", examples=["dev"])
    namespace: Name | None = Field(default=None, description="none = <system>-<environment>")


class StackSettings(Model):
    """``Pulumi.<stack>.yaml`` as Slipway reads it."""

    system: SystemChoice
    cluster: ClusterSettings
    image: ImageSettings | None = Field(default=None, description="only in the environment that builds")
    release: dict[Name, ServiceRelease] = Field(default_factory=dict)
