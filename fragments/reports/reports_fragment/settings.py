"""Settings of the reports fragment server."""

from pydantic import Field

from jogakbo.fragment import FragmentSettings


class Settings(FragmentSettings):
    """Read once from the environment."""

    port: int = Field(8105, ge=0, le=65535, description="TCP port to listen on")
    service_url: str = Field(
        "http://127.0.0.1:8205", validation_alias="REPORTS_SERVICE_URL", description="Address of the reports service"
    )
