"""Who does what and when."""

import heapq

from agenda.queue import Agenda


def run(jobs, workers):
    if workers < 1:
        raise ValueError("there must be a worker")
    agenda = Agenda()
    for number, (_, priority, _) in enumerate(jobs):
        agenda.push(number, priority)
    free = [(0, worker) for worker in range(workers)]
    plan = []
    while len(agenda):
        number, _ = agenda.pop()
        name, _, duration = jobs[number]
        now, worker = heapq.heappop(free)
        plan.append((name, worker, now, now + duration))
        heapq.heappush(free, (now + duration, worker))
    return plan
