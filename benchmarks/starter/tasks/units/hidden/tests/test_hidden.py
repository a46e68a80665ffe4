import unittest
from fractions import Fraction

from units import Incompatible, UnknownUnit, convert
from units.text import parse


class ConvertTest(unittest.TestCase):
    def test_values(self):
        for value, source, target, wanted in [
            (2, "km", "m", 2000), (1, "ft", "mile", Fraction(1, 5280)), (36, "km/h", "m/s", 10), (1, "inch", "cm", Fraction(254, 100)), (1, "d", "min", 1440), (3, "l", "cm^3", 3000),
            (1, "t", "kg", 1000), (1, "kW*h", "MJ", Fraction(36, 10)), (50, "Hz", "1/min", 3000), (1, "N", "kg*m/s^2", 1), (1, "m/s/s", "m/s^2", 1), (1, "J/kg*K", "K*m^2/s^2", 1),
            (1, "lb", "g", Fraction(45359237, 100000)), (5, "um", "nm", 5000), (1, "ms", "us", 1000), (1, "Gm", "Mm", 1000), (7, "1", "1", 7), (7, "m/m", "1", 7), (1, "cm^-2", "m^-2", 10000),
            (1, "kg", "mg", 10**6), (60, "1/min", "Hz", 1), (1, "mile/h", "km/h", Fraction(1609344, 10**6)), (1, "m^0", "1", 1), (2, "ml", "m^3", Fraction(2, 10**6)), (1, "mm^2", "m^2", Fraction(1, 10**6)),
            (1, "kg*m^2/s^3", "W", 1), (4, "MN*m", "kJ", 4000), (1, "min*m/m", "s", 60), (1, "1/s*s", "1", 1),
        ]:
            found = convert(value, source, target)
            self.assertEqual(found, wanted, (source, target))
            self.assertIsInstance(found, Fraction)

    def test_floats(self):
        found = convert(0.1, "km", "m")
        self.assertIs(type(found), float)
        self.assertEqual(found, float(Fraction(0.1) * 1000))
        self.assertEqual(convert(3.0, "inch", "ft"), 0.25)
        self.assertEqual(convert(Fraction(1, 3), "km", "m"), Fraction(1000, 3))

    def test_temperatures(self):
        for value, source, target, wanted in [
            (0, "degC", "K", Fraction(27315, 100)), (32, "degF", "degC", 0), (212, "degF", "degC", 100), (-40, "degC", "degF", -40), (300, "K", "degC", Fraction(2685, 100)), (0, "degC", "mK", 273150),
            (25, "degC", "degC", 25), (0, "K*m/m", "degF", Fraction(-45967, 100)),
        ]:
            self.assertEqual(convert(value, source, target), wanted, (source, target))
        self.assertEqual(convert(36.6, "degC", "degF"), float(Fraction(36.6) * Fraction(9, 5) + 32))

    def test_incompatible(self):
        for source, target in (("m", "s"), ("J", "W"), ("m^2", "m"), ("degC", "s"), ("1/s", "s"), ("m", "1"), ("l", "m"), ("kg", "N")):
            with self.assertRaises(Incompatible):
                convert(1, source, target)
        self.assertTrue(issubclass(Incompatible, ValueError))

    def test_unknown(self):
        for unit, part in {
            "foo": "foo", "km/foo": "foo", "kmile": "kmile", "kkm": "kkm", "khm": "khm", "kmin": "kmin", "kh": "kh", "Km": "Km", "": "", "m/": "", "m//s": "", "*m": "", "m^": "m^", "m^x": "m^x", "m^1.5": "m^1.5", "m s": "m s",
            "degC/s": "degC", "kdegC": "kdegC", "degC^1": "degC", "1*degF": "degF", "m^--1": "m^--1", "2/s": "2", "(m)": "(m)", "m^2^2": "m^2^2", " m": " m", "k": "k", "m^+2": "m^+2", "M": "M", "minch": "minch",
        }.items():
            for source, target in ((unit, "m"), ("m", unit)):
                with self.assertRaises(UnknownUnit, msg=unit) as caught:
                    convert(1, source, target)
                self.assertIn(part, str(caught.exception))
        self.assertTrue(issubclass(UnknownUnit, ValueError))


class ParseTest(unittest.TestCase):
    def test_good(self):
        for text, wanted in {
            "12.5 km/h": (Fraction(25, 2), "km/h"), "-3   m": (-3, "m"), "+1e3 g": (1000, "g"), "2.5E-1 1/s": (Fraction(1, 4), "1/s"), "0 degC": (0, "degC"), ".5 m": (Fraction(1, 2), "m"),
        }.items():
            found = parse(text)
            self.assertEqual(found, wanted)
            self.assertIsInstance(found[0], Fraction)

    def test_bad(self):
        for text in ("", "5", "m", "5m", "5 ", " 5 m", "5 m ", "5 foo", "x m", "1/2 m", "5 m s", "nan m", "1_0 m", "5\nm", "1e m", ". m"):
            with self.assertRaises(ValueError, msg=text):
                parse(text)
