"""The test kit: a team tests its fragment server without a shell and without its service."""

from jogakbo.testing.contract_check import ContractCheck, Finding, check
from jogakbo.testing.fake_service import FakeService, SeenRequest
from jogakbo.testing.running import running

__all__ = ["ContractCheck", "FakeService", "Finding", "SeenRequest", "check", "running"]
