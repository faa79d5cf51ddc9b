"""Units of measure and money: what stands beside a number, in the base of its dimension."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One way to read a unit: *base* names its dimension, *factor* leads to the base."""

    base: str
    factor: float = 1.0


# base, factor, names; a name that stands twice has two readings ("pounds").
_TABLE = """
s     0.001        millisecond, milliseconds, ms
s     1            second, seconds, sec, secs, s
s     60           minute, minutes, min, mins
s     3600         hour, hours, hr, hrs, h
s     86400        day, days, days old, day old
s     604800       week, weeks, wk, wks, weeks old, week old
s     1209600      fortnight, fortnights
s     2629800      month, months, months old, month old
s     31557600     year, years, yr, yrs, years old, year old, year olds, years of age
s     315576000    decade, decades
s     3155760000   century, centuries
m     1e-9         nanometre, nanometres, nanometer, nanometers, nm
m     1e-6         micrometre, micrometres, micrometer, micrometers, micron, microns, µm
m     0.001        millimetre, millimetres, millimeter, millimeters, mm
m     0.01         centimetre, centimetres, centimeter, centimeters, cm
m     1            metre, metres, meter, meters, m
m     1000         kilometre, kilometres, kilometer, kilometers, km, kms
m     0.0254       inch, inches, ″, "
m     0.3048       foot, feet, ft, ′
m     0.9144       yard, yards, yd, yds
m     1609.344     mile, miles, mi
m     9.4607e15    light year, light years
m²    1            square metre, square metres, square meter, square meters, sq m, m²
m²    0.092903     square foot, square feet, sq ft
m²    1e6          square kilometre, square kilometres, square kilometers, sq km, km²
m²    2.58999e6    square mile, square miles, sq mi
m²    4046.86      acre, acres
m²    1e4          hectare, hectares, ha
g     1e-6         microgram, micrograms, mcg, µg
g     0.001        milligram, milligrams, mg
g     1            gram, grams, gramme, grammes, g
g     1000         kilogram, kilograms, kilogramme, kilogrammes, kilo, kilos, kg, kgs
g     1e6          tonne, tonnes, ton, tons, metric ton, metric tons, t
g     28.3495      ounce, ounces, oz
g     453.592      pound, pounds, lb, lbs
l     0.001        millilitre, millilitres, milliliter, milliliters, ml
l     1            litre, litres, liter, liters, l
l     3.78541      gallon, gallons
l     0.236588     cup, cups
l     0.473176     pint, pints
l     0.946353     quart, quarts
l     0.0147868    tablespoon, tablespoons, tbsp
l     0.00492892   teaspoon, teaspoons, tsp
km/h  1            km/h, kph, kmh, kilometres per hour, kilometers per hour
km/h  1.609344     mph, miles per hour
byte  1            byte, bytes
byte  1e3          kilobyte, kilobytes, kb
byte  1e6          megabyte, megabytes, mb
byte  1e9          gigabyte, gigabytes, gb
byte  1e12         terabyte, terabytes, tb
%     1            %, percent, percents, per cent, pct, percentage point, percentage points
°     1            degree, degrees, °
°C    1            °c, degrees celsius, degrees c, celsius, centigrade
°F    1            °f, degrees fahrenheit, degrees f, fahrenheit
kcal  1            calorie, calories, kcal, kcals
W     1            watt, watts, w
W     1e3          kilowatt, kilowatts, kw
W     1e6          megawatt, megawatts, mw
W     1e9          gigawatt, gigawatts, gw
Hz    1            hertz, hz
Hz    1e6          megahertz, mhz
Hz    1e9          gigahertz, ghz
USD   1            dollar, dollars, us dollar, us dollars, usd, bucks, $
USD   0.01         cent, cents
EUR   1            euro, euros, eur, €
GBP   1            pound, pounds, gbp, pounds sterling, quid, £
GBP   0.01         penny, pence
JPY   1            yen, jpy, ¥
CNY   1            yuan, renminbi, rmb, cny, ¥
INR   1            rupee, rupees, inr, ₹
KRW   1            won, krw, ₩
CHF   1            franc, francs, chf
RUB   1            rouble, roubles, ruble, rubles, ₽
"""
_BEFORE = {"$": "$", "€": "€", "£": "£", "¥": "¥", "₹": "₹", "₩": "₩", "₽": "₽"}
_BEFORE |= {"usd": "usd", "eur": "eur", "gbp": "gbp", "inr": "inr", "rs": "inr", "chf": "chf"}


def _read_table() -> dict[str, tuple[Unit, ...]]:
    units: dict[str, tuple[Unit, ...]] = {}
    for line in _TABLE.strip().splitlines():
        base, factor, names = line.split(maxsplit=2)
        for name in names.split(", "):
            units[name] = (*units.get(name, ()), Unit(base, float(factor)))
    return units


_UNITS = _read_table()
_MILLIONS = Unit("", 1e6)  # "3m" is three metres or three million
_UNITS["m"] += (_MILLIONS,)
# Words and letters that are a unit only where they touch the digits.
_TOUCHING = frozenset({'"', "s", "h", "g", "l", "t", "w", "m", "min", "sec"})
_AFTER = re.compile(
    r"(?P<gap>[ \t\u00a0\u202f-]?)"
    r"(?P<name>[%$€£¥₹₩₽″′\"]|°[ ]?[CF]?(?!\w)|°|[^\W\d_]{1,20}(?:/h|²)?)"
    r"(?P<next>[ -][^\W\d_]{1,12})?(?P<last>[ -][^\W\d_]{1,12})?"
)  # fmt: skip
_IN_FRONT = re.compile(r"(?:\b([A-Za-z]{2,3})\.?|([$€£¥₹₩₽]))[ \u00a0]?$")


def unit_after(text: str, end: int) -> tuple[tuple[Unit, ...], int]:
    """Return the readings of the unit that follows *end*, and where it ends."""
    match = _AFTER.match(text, end)
    if match is None:
        return (), end
    name = match["name"].lower().replace("° ", "°")
    for last in ("last", "next"):
        if match[last] is not None:
            words = match[0][len(match["gap"]) : match.end(last) - end]
            if units := _UNITS.get(words.lower().replace("-", " ")):
                return units, match.end(last)
    units = _UNITS.get(name, ())
    if name in _TOUCHING and match["gap"] and not _stands_alone(text, match):
        return (), end
    return units, (match.end("name") if units else end)


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    # "5 g of salt" has a unit; in "5 's" and "5 t-shirts" it is something else.
    following = text[match.end("name") : match.end("name") + 1]
    return match["gap"] != "-" and match["name"] not in 'st"' and following not in "-'’\""


def money_before(text: str, start: int) -> tuple[tuple[Unit, ...], int]:
    """Return the readings of the currency that precedes *start*, and where it begins."""
    left = max(0, start - 6)
    match = _IN_FRONT.search(text[left:start])
    sign = "" if match is None else (match[1] or match[2]).lower()
    name = _BEFORE.get(sign)
    if match is None or name is None:
        return (), start
    return _UNITS[name], left + match.start()


def with_scale(money: tuple[Unit, ...], after: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """Join a currency in front with what follows: in "$3m" the m is for million."""
    if _MILLIONS in after:
        return tuple(Unit(unit.base, unit.factor * 1e6) for unit in money)
    return money
