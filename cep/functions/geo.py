"""Functions of places: degrees of latitude and longitude on a round earth."""

from __future__ import annotations

import math

from cep.functions.function import Function
from cep.types import Type

EARTH_KM = 6371.0088  # mean radius, IUGG
HOUR_US = 3_600_000_000


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float | None:
    """Great-circle distance (haversine); null when a latitude is beyond 90 degrees or a longitude beyond 180."""
    if abs(lat1) > 90 or abs(lat2) > 90 or abs(lon1) > 180 or abs(lon2) > 180:
        return None
    north1, north2 = math.radians(lat1), math.radians(lat2)
    half_north = math.sin((north2 - north1) / 2)
    half_east = math.sin(math.radians(lon2 - lon1) / 2)
    share = half_north * half_north + math.cos(north1) * math.cos(north2) * half_east * half_east
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, share)))  # rounding may lift the share above 1 at the antipode


def speed_kmh(lat1: float, lon1: float, time1_us: int, lat2: float, lon2: float, time2_us: int) -> float | None:
    """The speed it takes to be at both places at those times; null when the times are equal."""
    distance = distance_km(lat1, lon1, lat2, lon2)
    if distance is None or time1_us == time2_us:
        return None
    return distance / (abs(time2_us - time1_us) / HOUR_US)


FUNCTIONS = (
    Function(
        "distance_km",
        (Type.NUMBER, Type.NUMBER, Type.NUMBER, Type.NUMBER),
        Type.NUMBER,
        distance_km,
        "Kilometres between two places: latitude, longitude, latitude, longitude, in degrees.",
        (("round(distance_km(52.52, 13.405, 48.8566, 2.3522))", "877"), ("distance_km(91, 0, 0, 0)", "null")),
    ),
    Function(
        "speed_kmh",
        (Type.NUMBER, Type.NUMBER, Type.TIME, Type.NUMBER, Type.NUMBER, Type.TIME),
        Type.NUMBER,
        speed_kmh,
        "Kilometres per hour between two places at two times: latitude, longitude, time, latitude, longitude, time.",
        (("round(speed_kmh(52.52, 13.405, ts, 48.8566, 2.3522, ts + 30m))", "1755"), ("speed_kmh(0, 0, ts, 1, 1, ts)", "null")),
    ),
)
