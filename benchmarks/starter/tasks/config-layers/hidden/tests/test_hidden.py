import copy
import unittest

import layers
from layers import DELETE, MergeError, from_environment, merge, origin


class MergeTest(unittest.TestCase):
    def test_cases(self):
        for given, wanted in [
            ([], {}),
            ([{"a": 1}], {"a": 1}),
            ([{"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 3}}}], {"a": {"b": {"c": 3, "d": 2}}}),
            ([{"a": {"b": 1}}, {"a": 2}], {"a": 2}),
            ([{"a": 2}, {"a": {"b": 1}}], {"a": {"b": 1}}),
            ([{"a": [1]}, {"a": [2]}], {"a": [2]}),
            ([{"a": 1}, {"a": None}], {"a": None}),
            ([{"a": {}}, {"a": {}}], {"a": {}}),
            ([{"a": {"b": 1}}, {}, {"a": {"c": 2}}], {"a": {"b": 1, "c": 2}}),
        ]:
            self.assertEqual(merge(*given), wanted, given)

    def test_nothing_is_shared_or_changed(self):
        one = {"a": {"b": [1, {"c": 2}]}, "x": [1]}
        two = {"d": {"e": {}}, "a": {"f": [3]}, "x+": [[4]]}
        before = copy.deepcopy([one, two])
        merged = merge(one, two)
        merged["a"]["b"][1]["c"] = 9
        merged["a"]["f"].append(9)
        merged["d"]["e"]["z"] = 9
        merged["x"][1].append(9)
        merged["x"].append(9)
        self.assertEqual([one, two], before)

    def test_delete(self):
        for given, wanted in [
            ([{"a": 1, "b": 2}, {"a": DELETE}], {"b": 2}),
            ([{"a": {"b": 1, "c": 2}}, {"a": {"b": DELETE}}], {"a": {"c": 2}}),
            ([{}, {"x": DELETE}], {}),
            ([{"x": DELETE}], {}),
            ([{"a": 1}, {"a": {"b": DELETE, "c": 1}}], {"a": {"c": 1}}),
            ([{}, {"a": {"b": {"c": DELETE}}}], {"a": {"b": {}}}),
            ([{"a": 1}, {"a": DELETE}, {"a": 2}], {"a": 2}),
        ]:
            self.assertEqual(merge(*given), wanted, given)

    def test_append(self):
        for given, wanted in [
            ([{"p": [1]}, {"p+": [2, 3]}, {"p+": [4]}], {"p": [1, 2, 3, 4]}),
            ([{"p+": [1]}], {"p": [1]}),
            ([{"a": {"p": [1]}}, {"a": {"p+": [2]}}], {"a": {"p": [1, 2]}}),
            ([{"p": [0]}, {"p+": [2], "p": [1]}], {"p": [1, 2]}),
            ([{"p": [1]}, {"p": DELETE, "p+": [2]}], {"p": [2]}),
            ([{"a": {"p+": [1]}}], {"a": {"p": [1]}}),
            ([{"a": 5}, {"a": {"p+": [1]}}], {"a": {"p": [1]}}),
        ]:
            self.assertEqual(merge(*given), wanted, given)

    def test_append_errors(self):
        for given, path in [
            ([{"build": {"paths": "x"}}, {"build": {"paths+": ["y"]}}], "build.paths"),
            ([{"build": {"paths": ["x"]}}, {"build": {"paths+": "y"}}], "build.paths"),
            ([{"a": {}}, {"a+": [1]}], "a"),
            ([{"a+": None}], "a"),
        ]:
            with self.assertRaises(MergeError) as caught:
                merge(*given)
            self.assertIn(path, str(caught.exception))
            self.assertNotIn(path + "+", str(caught.exception))
        self.assertTrue(issubclass(MergeError, ValueError))


class EnvironmentTest(unittest.TestCase):
    def test_values(self):
        environment = {
            "APP_A": "1", "APP_B": "true", "APP_C": "text", "APP_D": '"5"', "APP_E": "[1, 2]", "APP_F": '{"x": 1}', "APP_G": "", "APP_H": "null",
            "APP_I": "1.5", "APP_J": "NaN", "APP_K": "-Infinity", "APP_L": "07", "OTHER": "1", "app_M": "1",
        }
        self.assertEqual(
            from_environment("APP_", environment),
            {"a": 1, "b": True, "c": "text", "d": "5", "e": [1, 2], "f": {"x": 1}, "g": "", "h": None, "i": 1.5, "j": "NaN", "k": "-Infinity", "l": "07"},
        )

    def test_paths(self):
        environment = {"X_DB__HOST__NAME": "h", "X_DB__PORT": "1", "X_A_B": "2", "X_": "3", "X___Y": "4", "X_A__": "5"}
        self.assertEqual(from_environment("X_", environment), {"db": {"host": {"name": "h"}, "port": 1}, "a_b": 2})

    def test_conflicts(self):
        for environment in ({"X_DB": "x", "X_DB__PORT": "1"}, {"X_DB__PORT": "1", "X_DB": "x"}):
            with self.assertRaises(MergeError) as caught:
                from_environment("X_", environment)
            self.assertIn("db", str(caught.exception))

    def test_json_dictionary_can_be_extended(self):
        self.assertEqual(from_environment("X_", {"X_DB__B": "2", "X_DB": '{"a": 1}'}), {"db": {"a": 1, "b": 2}})


class OriginTest(unittest.TestCase):
    def setUp(self):
        self.named = [
            ("base", {"db": {"host": "a", "port": 1}, "paths": ["x"], "old": {"deep": {"x": 1}}}),
            ("site", {"db": {"port": 2}, "paths+": ["y"]}),
            ("user", {"old": DELETE, "mode": {"fast": True}}),
        ]

    def test_origin(self):
        for path, wanted in {
            "db.host": "base", "db.port": "site", "paths": "site", "old": "user", "old.deep": "user", "old.deep.x": "user", "mode.fast": "user", "mode": "user",
            "db": "base", "nothing": None, "db.nothing": None, "db.host.x": "base",
        }.items():
            self.assertEqual(origin(path, *self.named), wanted, path)

    def test_replaced_by_a_value(self):
        named = [("one", {"a": {"b": 1}}), ("two", {"a": 5}), ("three", {"a": {"c": 1}})]
        self.assertEqual(origin("a.b", *named[:1]), "one")
        self.assertEqual(origin("a.b", *named[:2]), "two")
        self.assertEqual(origin("a.b", *named), "three")
        self.assertEqual(origin("a", *named), "three")

    def test_inputs_stay(self):
        before = copy.deepcopy([layer for name, layer in self.named[:2]])
        origin("paths", *self.named)
        self.assertEqual([layer for name, layer in self.named[:2]], before)

    def test_public_names(self):
        self.assertIs(layers.DELETE, DELETE)
