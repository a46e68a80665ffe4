"""Who does what and when."""

from agenda.queue import Agenda


def run(jobs, workers):
    agenda = Agenda()
    for name, priority, duration in jobs:
        agenda.push((name, duration), priority)
    now, plan = 0, []
    while len(agenda):
        (name, duration), _ = agenda.pop()
        plan.append((name, 0, now, now + duration))
        now += duration
    return plan
