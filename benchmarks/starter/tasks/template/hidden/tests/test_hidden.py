import types
import unittest

from pages import TemplateError, render


class Case(unittest.TestCase):
    def check(self, text, wanted, **values):
        before = dict(values)
        self.assertEqual(render(text, values), wanted, text)
        self.assertEqual(values, before)

    def bad(self, text, line, **values):
        with self.assertRaises(TemplateError, msg=text) as caught:
            render(text, values)
        self.assertEqual(caught.exception.line, line, text)


class PrintTest(Case):
    def test_plain(self):
        self.check("", "")
        self.check("a } }} %} #} { % b\n", "a } }} %} #} { % b\n")
        self.check("{{a}}-{{ a }}-{{   a\n}}", "1-1-1", a=1)

    def test_escaping(self):
        self.check("{{ a }}", "&lt;b&gt; &amp; &quot;x&quot; &#x27;y&#x27; &amp;lt;", a="<b> & \"x\" 'y' &lt;")
        self.check("{{! a }}{{!a}}", "<><>", a="<>")
        self.check("{{ a }}", "[1, &#x27;x&#x27;]", a=[1, "x"])

    def test_none(self):
        self.check("[{{ a }}{{! a }}]", "[]", a=None)
        self.check("{{ a }}{{ b }}", "0False", a=0, b=False)

    def test_paths(self):
        thing = types.SimpleNamespace(name="n", inner={"k": [10, (20, 30)]})
        self.check("{{ t.name }} {{ t.inner.k.1.0 }} {{ t.inner.k.0 }}", "n 20 10", t=thing)
        self.check("{{ d.items }}", "mine", d={"items": "mine"})
        self.check("{{ d.0 }}", "zero", d={"0": "zero"})

    def test_values_are_no_templates(self):
        self.check("{{! a }}", "{{ b }}{% end %}", a="{{ b }}{% end %}")


class FilterTest(Case):
    def test_filters(self):
        self.check("{{ a | upper }}{{a|lower}}", "ABab", a="aB")
        self.check("{{ a | length }}", "3", a=[1, 2, 3])
        self.check("{{ a | join:, }}|{{ a | join }}|{{ a | join: - | upper }}", "x,y|xy|X-Y", a=["x", "y"])
        self.check("{{ a | join:<br> }}{{! a | join:<br> }}", "1&lt;br&gt;21<br>2", a=[1, 2])

    def test_default(self):
        self.check("{{ a | default:none given }}", "none given")
        self.check("{{ a | default:x | upper }}", "X", a="")
        self.check("{{ a | default:x }}{{ b | default:x }}", "0x", a=0, b=None)
        self.check("{{ a.b.c | default:- }}", "-", a={})
        self.check("{{ a.5 | default:- }}", "-", a=[1])
        self.check("[{{ a | default }}]", "[]")
        self.check("{{ a | default:b:c }}", "b:c")


class IfTest(Case):
    TEXT = "{% if a %}A{% elif b.c %}B{% elif not d %}D{% else %}E{% end %}"

    def test_branches(self):
        self.check(self.TEXT, "A", a=1, b={"c": 1})
        self.check(self.TEXT, "B", a=[], b={"c": 1})
        self.check(self.TEXT, "D", a="")
        self.check(self.TEXT, "E", d=1)
        self.check("[{% if a %}x{% end %}]", "[]")

    def test_nested(self):
        self.check("{% if a %}{% if b %}1{% else %}2{% end %}{% else %}3{% end %}", "2", a=1)

    def test_filters_in_conditions(self):
        self.check("{% if a | length %}x{% end %}{%if not a|default:%}y{%end%}", "x", a=[0])


class ForTest(Case):
    def test_loop(self):
        self.check("{% for x in xs %}{{ loop.index }}{{ x }}{% if not loop.last %},{% end %}{% end %}", "1a,2b", xs="ab")
        self.check("{% for x in xs %}{{ loop.first }}{% end %}", "TrueFalse", xs=iter([1, 2]))

    def test_empty(self):
        self.check("{% for x in xs %}{{ x }}{% else %}none{% end %}", "none", xs=[])
        self.check("{% for x in xs %}{{ x }}{% else %}none{% end %}", "1", xs=[1])

    def test_pairs(self):
        self.check("{% for k, v in m %}{{ k }}={{ v }};{% end %}", "a=1;b=2;", m={"a": 1, "b": 2})
        self.check("{% for k,v in m %}{{ k }}{{ v }}{% end %}", "12", m=[(1, 2)])
        self.check("{% for k in m %}{{ k }}{% end %}", "ab", m={"a": 1, "b": 2})

    def test_scope(self):
        self.check("{% for x in xs %}{% for x in ys %}{{ x }}{{ loop.index }}{% end %}{{ x }}{{ loop.index }}{% end %}{{ x }}{{ loop }}", "a1b2" "11" "a1b2" "22" "outermine", xs=[1, 2], ys="ab", x="outer", loop="mine")
        self.bad("{% for x in xs %}{% end %}{{ x }}", 1, xs=[1])


class LineTest(Case):
    def test_tags_alone_on_a_line(self):
        self.check("a\n  {% if x %}\t\nb\n{% end %}\nc\n", "a\nb\nc\n", x=1)
        self.check("{# one\ntwo #}\nb", "b")
        self.check("{% if x %}\nb\n{% end %}", "b\n", x=1)
        self.check("  {% if x %} b\n{% end %}!", "   b\n!", x=1)
        self.check("{# a #}{# b #}\nc", "\nc")
        self.check("  {{ x }}\n", "  1\n", x=1)
        self.check("a\r\n{# x #}\r\nb", "a\r\nb")

    def test_comments(self):
        self.check("a{# {{ x }} {% if %} #}b", "ab")


class MistakeTest(Case):
    def test_mistakes(self):
        for text, line in {
            "\n{{ a": 2, "{% if a": 1, "a\n\n{# x": 3, "{% if a %}\n{% if a %}\n{% end %}": 1, "x\n{% end %}": 2, "{% else %}": 1, "{% if a %}{% else %}\n{% else %}{% end %}": 2, "{% if a %}{% else %}\n{% elif a %}{% end %}": 2,
            "{% for x in a %}\n{% elif a %}{% end %}": 2, "{% while a %}{% end %}": 1, "{{ }}": 1, "{{ a. }}": 1, "{{ .a }}": 1, "{{ a b }}": 1, "{{ a-b }}": 1, "{{ a | shout }}": 1, "{{ a | }}": 1, "{% if %}{% end %}": 1,
            "{% for x of a %}{% end %}": 1, "{% for x, y, z in a %}{% end %}": 1, "{% for _x in a %}{% end %}": 1, "{{ _a }}": 1, "{{ a._b }}": 1, "{{ a.__class__ }}": 1, "{% end if %}": 1, "{% else a %}": 1, "{{ a | upper:x }}": 1, "{{ 1a }}": 1,
        }.items():
            self.bad(text, line, a=[])

    def test_in_parts_that_are_not_printed(self):
        self.bad("{% if a %}\n{{ b | shout }}{% end %}", 2)
        self.bad("{% for x in a %}\n\n{{ x..y }}{% end %}", 3, a=[])
        self.check("{% if a %}{{ missing }}{% end %}", "")

    def test_lookups(self):
        self.bad("\n{{ a }}", 2)
        self.bad("{{ a.b }}", 1, a={})
        self.bad("{{ a.b }}", 1, a=5)
        self.bad("{{ a.2 }}", 1, a=[1, 2])
        self.bad("{{ a | upper }}", 1)
        self.bad("{{ a | upper | default:x }}", 1)
        self.bad("{% for x in a %}{% end %}", 1)
        self.bad("x\n{% for x in a %}{% end %}", 2, a=5)
        self.bad("{% for x, y in a %}{% end %}", 1, a=[1])
        self.bad("\n{{ a | upper }}", 2, a=5)
        self.bad("\n{{ a | length }}", 2, a=5)
        self.bad("\n{{ a | join:, }}", 2, a=5)

    def test_is_a_value_error(self):
        self.assertTrue(issubclass(TemplateError, ValueError))
