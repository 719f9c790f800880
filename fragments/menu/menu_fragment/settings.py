"""Settings of the menu's fragment server."""

from pydantic import Field

from jogakbo.fragment import FragmentSettings


class Settings(FragmentSettings):
    """Read once from the environment."""

    port: int = Field(8101, ge=0, le=65535, description="TCP port to listen on")
    service_url: str = Field(
        "http://127.0.0.1:8201", validation_alias="MENU_SERVICE_URL", description="Address of the menu service"
    )
