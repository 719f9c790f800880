"""Settings of the till fragment server."""

from pydantic import Field

from jogakbo.fragment import FragmentSettings


class Settings(FragmentSettings):
    """Read once from the environment."""

    port: int = Field(8104, ge=0, le=65535, description="TCP port to listen on")
    service_url: str = Field(
        "http://127.0.0.1:8204", validation_alias="TILL_SERVICE_URL", description="Address of the till service"
    )
