import unittest

from agenda import Agenda
from agenda.schedule import run


class AgendaTest(unittest.TestCase):
    def test_order(self):
        agenda = Agenda()
        agenda.push("b", 2)
        agenda.push("a", 1)
        self.assertEqual([agenda.pop(), agenda.pop()], [("a", 1), ("b", 2)])

    def test_move(self):
        agenda = Agenda()
        agenda.push("a", 1)
        agenda.push("b", 2)
        agenda.push("a", 3)
        self.assertEqual(len(agenda), 2)
        self.assertEqual([agenda.pop(), agenda.pop()], [("b", 2), ("a", 3)])

    def test_two_workers(self):
        plan = run([("x", 1, 5), ("y", 1, 2), ("z", 2, 1)], 2)
        self.assertEqual(plan, [("x", 0, 0, 5), ("y", 1, 0, 2), ("z", 1, 2, 3)])
