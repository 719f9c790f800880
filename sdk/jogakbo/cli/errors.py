"""What can go wrong on the command line.

CliError                 shown as one message, exit code 1
├── PortalFileError      portal.toml is missing or wrong
├── UnknownMember        a name that portal.toml does not have
├── PortsTaken           something else listens where a member would
├── AlreadyRunning       another `jogak up` holds this folder
├── NoPortal             nothing runs in this folder to talk to, exit code 2
└── NoAnswer             nobody answers at an address, exit code 2
"""


class CliError(Exception):
    """A fault that the user can mend: its text says what was expected, what was found and what to do."""

    exit_code = 1


class PortalFileError(CliError):
    """portal.toml is missing, is not TOML, or does not say what it must."""


class UnknownMember(CliError):
    """A name was given that no member of portal.toml has."""


class PortsTaken(CliError):
    """At least one port that a member needs is in use by something else."""


class AlreadyRunning(CliError):
    """Another `jogak up` runs with the same data folder."""


class NoPortal(CliError):
    """No `jogak up` runs with this data folder."""

    exit_code = 2


class NoAnswer(CliError):
    """Nobody answers at the address that was given."""

    exit_code = 2
