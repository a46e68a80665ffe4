import random
import unittest

from agenda import Agenda
from agenda.schedule import run


class Thing:
    pass


class AgendaTest(unittest.TestCase):
    def drain(self, agenda):
        found = []
        while len(agenda):
            found.append(agenda.pop())
        return found

    def test_equal_priorities_in_order(self):
        agenda = Agenda()
        things = [Thing() for _ in range(20)]
        for thing in things:
            agenda.push(thing, 1)
        self.assertEqual([item for item, _ in self.drain(agenda)], things)

    def test_moving(self):
        agenda = Agenda()
        for item in "abc":
            agenda.push(item, 5)
        agenda.push("a", 5)
        agenda.push("b", 6)
        agenda.push("b", 5)
        self.assertEqual(self.drain(agenda), [("a", 5), ("c", 5), ("b", 5)])

    def test_back_after_pop_and_remove(self):
        agenda = Agenda()
        agenda.push("a", 1)
        agenda.push("b", 1)
        agenda.pop()
        agenda.push("a", 1)
        self.assertEqual(agenda.remove("b"), 1)
        agenda.push("b", 1)
        self.assertEqual(self.drain(agenda), [("a", 1), ("b", 1)])

    def test_empty(self):
        agenda = Agenda()
        agenda.push("a", 1)
        agenda.remove("a")
        self.assertEqual(len(agenda), 0)
        for method in (agenda.pop, agenda.peek):
            with self.assertRaises(IndexError):
                method()

    def test_peek(self):
        agenda = Agenda()
        agenda.push("a", 1)
        agenda.push("b", 2)
        agenda.push("a", 3)
        self.assertEqual(agenda.peek(), ("b", 2))
        self.assertEqual(len(agenda), 2)

    def test_questions(self):
        agenda = Agenda()
        agenda.push("a", (1, "x"))
        self.assertEqual(agenda.priority("a"), (1, "x"))
        self.assertIn("a", agenda)
        self.assertNotIn("b", agenda)
        agenda.pop()
        self.assertNotIn("a", agenda)
        for method in (agenda.priority, agenda.remove):
            with self.assertRaises(KeyError):
                method("a")

    def test_iteration(self):
        agenda = Agenda()
        for item, priority in [("a", 3), ("b", 1), ("c", 2), ("a", 0), ("d", 1)]:
            agenda.push(item, priority)
        agenda.remove("c")
        self.assertEqual(list(agenda), ["a", "b", "d"])
        self.assertEqual(list(agenda), ["a", "b", "d"])
        self.assertEqual(len(agenda), 3)

    def test_bounded(self):
        rng = random.Random(6)
        agenda = Agenda()
        for n in range(20000):
            agenda.push(n % 100, rng.random())
            self.assertLessEqual(agenda.entries(), 2 * len(agenda) + 10)
        for n in range(99):
            agenda.remove(n)
            self.assertLessEqual(agenda.entries(), 2 * len(agenda) + 10)
        self.assertEqual(agenda.pop()[0], 99)

    def test_against_a_plain_list(self):
        rng = random.Random(7)
        agenda, plain = Agenda(), {}
        for turn in range(2000):
            item, priority = rng.randrange(30), rng.randrange(6)
            if rng.random() < 0.6:
                agenda.push(item, priority)
                if plain.get(item, (None,))[0] != priority:
                    plain[item] = (priority, turn)
            elif plain:
                best = min(plain, key=plain.get)
                self.assertEqual(agenda.pop(), (best, plain.pop(best)[0]))
        self.assertEqual(list(agenda), sorted(plain, key=plain.get))


class ScheduleTest(unittest.TestCase):
    def test_one_worker(self):
        self.assertEqual(run([("a", 2, 1), ("b", 1, 2)], 1), [("b", 0, 0, 2), ("a", 0, 2, 3)])

    def test_lowest_number_first(self):
        plan = run([(name, 0, 2) for name in "abcd"], 3)
        self.assertEqual(plan, [("a", 0, 0, 2), ("b", 1, 0, 2), ("c", 2, 0, 2), ("d", 0, 2, 4)])

    def test_first_free_takes_next(self):
        plan = run([("a", 0, 9), ("b", 1, 1), ("c", 2, 1), ("d", 3, 1), ("e", 4, 8), ("f", 5, 1)], 2)
        self.assertEqual(plan[3:], [("d", 1, 2, 3), ("e", 1, 3, 11), ("f", 0, 9, 10)])

    def test_same_names_and_no_time(self):
        plan = run([("a", 1, 0), ("a", 1, 0), ("a", 1, 3)], 2)
        self.assertEqual(plan, [("a", 0, 0, 0), ("a", 0, 0, 0), ("a", 0, 0, 3)])

    def test_nothing(self):
        self.assertEqual(run([], 2), [])
        with self.assertRaises(ValueError):
            run([], 0)
