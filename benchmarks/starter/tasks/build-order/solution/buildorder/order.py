"""What to build, dependencies first."""


class CycleError(ValueError):
    """Targets that need each other; `cycle` names them, the first repeated at the end."""

    def __init__(self, cycle):
        super().__init__(" -> ".join(cycle))
        self.cycle = cycle


def plan(targets, rules):
    """All that `targets` need, in the order in which a depth-first walk finishes it."""
    done = {}
    for target in targets:
        if target not in done:
            _walk(target, rules, done)
    return list(done)


def levels(targets, rules):
    """The plan as a list of sorted levels; a level needs only what stands before it."""
    level = {}
    for target in plan(targets, rules):
        level[target] = 1 + max((level[needed] for needed in rules.get(target, ())), default=-1)
    found = [[] for _ in range(1 + max(level.values(), default=-1))]
    for target in sorted(level):
        found[level[target]].append(target)
    return found


def _walk(start, rules, done):
    path = {start: iter(rules.get(start, ()))}
    while path:
        target = next(reversed(path))
        for needed in path[target]:
            if needed in path:
                names = list(path)
                raise CycleError(names[names.index(needed) :] + [needed])
            if needed not in done:
                path[needed] = iter(rules.get(needed, ()))
                break
        else:
            del path[target]
            done[target] = True
