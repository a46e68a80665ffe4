import unittest

from flow import FlowError, Machine, NoTransition, Refused
from flow.draw import edges


def orders():
    machine = Machine("new")
    machine.allow("new", "pay", "paid", guard=lambda amount: amount >= 10)
    machine.allow("new", "pay", "partly", guard=lambda amount: amount > 0)
    machine.allow("partly", "pay", "paid")
    machine.allow("paid", "ship", "shipped")
    machine.allow("shipped", "touch", "shipped")
    machine.allow("*", "cancel", "cancelled")
    machine.allow("shipped", "cancel", "returned", guard=lambda reason="": reason == "broken")
    machine.allow("*", "pay", "strange", guard=lambda amount: amount == -1)
    return machine


class FireTest(unittest.TestCase):
    def test_first_guard_that_agrees(self):
        machine = orders()
        self.assertEqual(machine.fire("a", "pay", amount=12), "paid")
        self.assertEqual(machine.fire("b", "pay", amount=5), "partly")
        self.assertEqual(machine.fire("b", "pay", amount=0), "paid")
        self.assertEqual((machine.state("a"), machine.state("b"), machine.state("c")), ("paid", "paid", "new"))

    def test_star_comes_last(self):
        machine = orders()
        self.assertEqual(machine.fire(1, "pay", amount=-1), "strange")
        for event, details in (("pay", {"amount": 10}), ("ship", {})):
            machine.fire(2, event, **details)
            machine.fire(3, event, **details)
        self.assertEqual(machine.fire(2, "cancel", reason="broken"), "returned")
        self.assertEqual(machine.fire(3, "cancel"), "cancelled")
        self.assertEqual(machine.fire(4, "cancel"), "cancelled")

    def test_no_transition(self):
        machine = orders()
        for event in ("ship", "nonsense"):
            with self.assertRaises(NoTransition) as caught:
                machine.fire(7, event)
            error = caught.exception
            self.assertEqual((error.id, error.state, error.event), (7, "new", event))
            self.assertIsInstance(error, FlowError)
        self.assertEqual((machine.state(7), machine.history(7)), ("new", []))

    def test_refused(self):
        machine = orders()
        with self.assertRaises(Refused) as caught:
            machine.fire(7, "pay", amount=0)
        self.assertEqual((caught.exception.id, caught.exception.state, caught.exception.event), (7, "new", "pay"))
        self.assertIsInstance(caught.exception, FlowError)
        self.assertNotIsInstance(caught.exception, NoTransition)

    def test_history(self):
        machine = orders()
        machine.fire(1, "pay", amount=1)
        machine.fire(1, "pay", amount=1)
        machine.history(1).clear()
        self.assertEqual(machine.history(1), [("pay", "partly"), ("pay", "paid")])
        self.assertEqual(machine.history(2), [])

    def test_can(self):
        machine, calls = orders(), []
        machine.on_leave("new", lambda *args: calls.append(args))
        self.assertTrue(machine.can(1, "pay", amount=10))
        self.assertFalse(machine.can(1, "pay", amount=0))
        self.assertFalse(machine.can(1, "ship"))
        self.assertTrue(machine.can(1, "cancel"))
        self.assertEqual((machine.state(1), calls), ("new", []))


class ActionTest(unittest.TestCase):
    def test_order_and_arguments(self):
        machine, seen = orders(), []
        machine.on_enter("paid", lambda id, event, details: seen.append(("enter", machine.state(id), id, event, details)))
        machine.on_enter("paid", lambda *args: seen.append("second"))
        machine.on_leave("new", lambda id, event, details: seen.append(("leave", machine.state(id), id, event, details)))
        machine.on_leave("paid", lambda *args: seen.append("wrong"))
        machine.fire(1, "pay", amount=10)
        self.assertEqual(seen, [("leave", "new", 1, "pay", {"amount": 10}), ("enter", "paid", 1, "pay", {"amount": 10}), "second"])

    def test_same_state(self):
        machine, seen = orders(), []
        machine.fire(1, "pay", amount=10)
        machine.fire(1, "ship")
        machine.on_leave("shipped", lambda *args: seen.append("leave"))
        machine.on_enter("shipped", lambda *args: seen.append("enter"))
        machine.fire(1, "touch")
        self.assertEqual(seen, ["leave", "enter"])
        self.assertEqual(machine.history(1)[-1], ("touch", "shipped"))

    def test_failing_leave(self):
        machine, seen = orders(), []
        machine.on_leave("new", lambda *args: 1 / 0)
        machine.on_enter("cancelled", lambda *args: seen.append("enter"))
        with self.assertRaises(ZeroDivisionError):
            machine.fire(1, "cancel")
        self.assertEqual((machine.state(1), machine.history(1), seen), ("new", [], []))

    def test_failing_enter(self):
        machine, seen = orders(), []
        machine.on_enter("cancelled", lambda *args: 1 / 0)
        machine.on_enter("cancelled", lambda *args: seen.append("enter"))
        with self.assertRaises(ZeroDivisionError):
            machine.fire(1, "cancel")
        self.assertEqual((machine.state(1), machine.history(1), seen), ("cancelled", [("cancel", "cancelled")], []))

    def test_firing_inside_an_action(self):
        machine = orders()
        machine.on_enter("paid", lambda id, event, details: machine.fire(id, "ship"))
        machine.fire(1, "pay", amount=10)
        self.assertEqual(machine.state(1), "shipped")
        self.assertEqual(machine.history(1), [("pay", "paid"), ("ship", "shipped")])


class DrawTest(unittest.TestCase):
    def test_edges(self):
        machine = Machine("a")
        machine.allow("b", "go", "c")
        machine.allow("a", "go", "b", guard=bool)
        machine.allow("a", "go", "b")
        machine.allow("*", "stop", "a")
        self.assertEqual(edges(machine), ["* --stop--> a", "a --go--> b", "b --go--> c"])
        self.assertEqual(edges(Machine("x")), [])
