import unittest

from flow import Machine


class MachineTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine("new")
        self.machine.allow("new", "pay", "paid", guard=lambda amount: amount >= 10)
        self.machine.allow("paid", "ship", "shipped")

    def test_pay(self):
        self.assertEqual(self.machine.fire(1, "pay", amount=10), "paid")
        self.assertEqual(self.machine.state(1), "paid")
        self.assertEqual(self.machine.state(2), "new")

    def test_ship_needs_pay(self):
        with self.assertRaises(Exception):
            self.machine.fire(1, "ship")
        self.assertEqual(self.machine.state(1), "new")

    def test_guard(self):
        with self.assertRaises(Exception):
            self.machine.fire(1, "pay", amount=9)
