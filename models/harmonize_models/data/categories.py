"""From the free-text category of a mask to the five classes of S²CRNet's semantic head."""

from __future__ import annotations

from ..networks.base import ForegroundClass

_WORDS: dict[ForegroundClass, str] = {
    ForegroundClass.PERSON: "person people man woman child pedestrian bicyclist cyclist rider",
    ForegroundClass.VEHICLE: "car cars carleft carright carfront carback vehicle bus truck suv van train bicycle "
    "motorcycle motorbike motorcycle/scooter boat ship airplane aeroplane tram",
    ForegroundClass.ANIMAL: "animal bird cat dog horse sheep cow elephant bear zebra giraffe rabbit fish goose duck",
    ForegroundClass.FOOD: "food fruit banana apple sandwich orange broccoli carrot pizza donut cake bread vegetable",
}
_EXCEPTIONS = {"teddy bear": ForegroundClass.OTHER, "hot dog": ForegroundClass.FOOD}


def foreground_class(category: str) -> ForegroundClass:
    """The class of a category such as "person (all)" or "carLeft"; `OTHER` where none fits ("garment:14", "sky")."""
    text = category.casefold().strip()
    if text in _EXCEPTIONS:
        return _EXCEPTIONS[text]
    words = set(text.replace("(", " ").replace(")", " ").split())
    return next((found for found, known in _WORDS.items() if words & set(known.split())), ForegroundClass.OTHER)
