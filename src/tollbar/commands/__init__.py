"""The sub-commands of ``tollbar``, one module each: ``add`` declares it, ``run`` carries it out."""
