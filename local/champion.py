"""The champion of a state folder."""

import os
from pathlib import Path

from local.services import embedded
from steps.common.settings import StoreSettings, TrackingSettings
from steps.packaging import archive
from steps.packaging.champion import ChampionBento, fetch, no_champion_error


def fetch_champion(state: Path) -> ChampionBento:
    """Fetch the champion's Bento into the state folder.

    Raises:
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: the Bento's hash differs from the one in the registry.
        Unavailable: the registry or the store does not respond.
    """
    if "MLFLOW_URI" not in os.environ and not (state / "mlflow.db").is_file():
        raise no_champion_error()
    places = embedded.find_locations(state)
    tracking = TrackingSettings(mlflow_uri=places["MLFLOW_URI"])
    return fetch(tracking, StoreSettings(store_url=places["STORE_URL"]), state / archive.FOLDER)
