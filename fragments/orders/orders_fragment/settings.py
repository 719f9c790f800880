"""Settings of the orders fragment server."""

from pydantic import Field

from jogakbo.fragment import FragmentSettings


class Settings(FragmentSettings):
    """Read once from the environment."""

    port: int = Field(8102, ge=0, le=65535, description="TCP port to listen on")
    service_url: str = Field(
        "http://127.0.0.1:8202", validation_alias="ORDERS_SERVICE_URL", description="Address of the orders service"
    )
