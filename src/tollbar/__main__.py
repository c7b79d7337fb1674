"""``python -m tollbar`` is ``tollbar``."""

import sys

from tollbar.cli import main

sys.exit(main())
