"""`python -m jogakbo.cli`, for where the script `jogak` is not on the path."""

import sys

from jogakbo.cli.main import main

sys.exit(main())
