"""Settings of the inventory fragment server."""

from pydantic import Field

from jogakbo.fragment import FragmentSettings


class Settings(FragmentSettings):
    """Read once from the environment."""

    port: int = Field(8103, ge=0, le=65535, description="TCP port to listen on")
    service_url: str = Field(
        "http://127.0.0.1:8203",
        validation_alias="INVENTORY_SERVICE_URL",
        description="Address of the inventory service",
    )
