"""What ships in images has a licence that is allowed, or is accepted by name for a reason."""

import pytest

from release import licences
from release.licences import Package
from tests.support.manifests import ROOT


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("BSD License; Apache Software License", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("MIT; GNU General Public License v3 (GPLv3)", False),
        ("GNU Library or Lesser General Public License (LGPL)", False),
        ("AGPL-3.0-or-later", False),
        ("SSPL-1.0", False),
        ("Proprietary", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_every_part_of_a_licence_must_be_allowed(licence: str, allowed: bool) -> None:
    """Or one of its alternatives."""
    assert licences.is_allowed(licence) is allowed
    found = licences.find_refused([Package("thing", "1", licence)])
    assert bool(found) is not allowed


def test_what_ships_is_allowed_and_what_is_accepted_ships() -> None:
    """The embedded database, which is under the GPL, is in no image."""
    shipped = licences.list_shipped(ROOT)
    names = {package.name for package in shipped}
    assert len(shipped) > 100
    assert licences.find_refused(shipped) == []
    assert set(licences.ACCEPTED) <= names
    assert "secantusdb" not in names
