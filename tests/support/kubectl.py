"""What tests need that build manifests as a cluster would get them."""

import shutil

import pytest

needed = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl, which brings kustomize, is not on the PATH")
