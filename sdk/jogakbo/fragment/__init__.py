"""The fragment kit: declare a fragment with its keys, its cache policy and its fallback, and serve it."""

from jogakbo.contract.manifest import Param, SlotDeclaration
from jogakbo.fragment.checks import offer_checks
from jogakbo.fragment.lab import offer_lab
from jogakbo.fragment.server import FragmentServer
from jogakbo.fragment.service import Service, ServiceError, ServiceRefused, ServiceUnavailable
from jogakbo.fragment.settings import FragmentSettings
from jogakbo.fragment.view import Action, Answer, File, Moved, NotFound, View

__all__ = [
    "Action",
    "Answer",
    "File",
    "FragmentServer",
    "FragmentSettings",
    "Moved",
    "NotFound",
    "Param",
    "Service",
    "ServiceError",
    "ServiceRefused",
    "ServiceUnavailable",
    "SlotDeclaration",
    "View",
    "offer_checks",
    "offer_lab",
]
