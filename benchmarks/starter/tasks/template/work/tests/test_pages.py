import unittest

from pages import render


class RenderTest(unittest.TestCase):
    def test_name(self):
        self.assertEqual(render("Hello {{ name }}!", {"name": "Ann"}), "Hello Ann!")

    def test_escape(self):
        self.assertEqual(render("{{ a }}{{! a }}", {"a": "<&"}), "&lt;&amp;<&")

    def test_if(self):
        self.assertEqual(render("{% if a %}yes{% else %}no{% end %}", {"a": 0}), "no")

    def test_for(self):
        self.assertEqual(render("{% for x in xs %}{{ x }},{% end %}", {"xs": [1, 2]}), "1,2,")
