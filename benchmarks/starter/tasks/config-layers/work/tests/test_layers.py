import unittest

import layers


class MergeTest(unittest.TestCase):
    def test_later_wins(self):
        self.assertEqual(layers.merge({"a": 1, "b": 2}, {"b": 3}), {"a": 1, "b": 3})

    def test_nested(self):
        one = {"db": {"host": {"name": "x", "port": 1}}}
        two = {"db": {"host": {"port": 2}}}
        self.assertEqual(layers.merge(one, two), {"db": {"host": {"name": "x", "port": 2}}})
        self.assertEqual(one["db"]["host"]["port"], 1)

    def test_append(self):
        self.assertEqual(layers.merge({"paths": ["a"]}, {"paths+": ["b"]}), {"paths": ["a", "b"]})

    def test_environment(self):
        self.assertEqual(layers.from_environment("APP_", {"APP_DB__PORT": "5432", "HOME": "/"}), {"db": {"port": 5432}})
