"""`jogak check URL`: is there a correct fragment server, and if not, what to mend."""

import argparse
import asyncio
import dataclasses
import json

import httpx2

from jogakbo.cli.errors import NoAnswer
from jogakbo.testing import ContractCheck, Finding


def run(arguments: argparse.Namespace) -> int:
    """Print findings; 0 without errors, 1 with, 2 (as NoAnswer) when nobody answers at the address."""
    contract_check = ContractCheck(arguments.url)
    try:
        findings = asyncio.run(contract_check.run())
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoAnswer(f"{arguments.url} does not answer: {error or type(error).__name__}") from error
    if arguments.format == "json":
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        print(_for_people(contract_check, findings))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _for_people(contract_check: ContractCheck, findings: list[Finding]) -> str:
    errors = sum(finding.severity == "error" for finding in findings)
    verdict = "keeps the contract" if not errors else "does not keep the contract"
    lines = [f"{f.severity:<7}  {f.where}: {f.what}\n         mend: {f.mend}" for f in findings]
    tally = f"{len(contract_check.checked)} requests, {errors} errors, {len(findings) - errors} warnings"
    return "\n".join([*lines, f"{contract_check.url} {verdict} ({tally})"])
