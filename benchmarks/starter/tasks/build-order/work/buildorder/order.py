"""What to build, dependencies first."""


def plan(targets, rules):
    done = []
    for target in set(targets):
        _visit(target, rules, done)
    return done


def _visit(target, rules, done):
    for needed in set(rules.get(target, ())):
        _visit(needed, rules, done)
    done.append(target)
