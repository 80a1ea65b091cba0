"""`python -m cnnref` is the command `cnnref`."""

import sys

from cnnref.cli import main

sys.exit(main())
