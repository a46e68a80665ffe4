"""The last few numbers."""


class Window:
    def __init__(self, size):
        self.size = size
        self._numbers = []
        self._sum = 0.0
        self._squares = 0.0

    def add(self, x):
        self._numbers.append(x)
        self._sum += x
        self._squares += x * x
        if len(self._numbers) > self.size:
            old = self._numbers.pop(0)
            self._sum -= old
            self._squares -= old * old

    @property
    def mean(self):
        return self._sum / len(self._numbers)

    @property
    def variance(self):
        return self._squares / len(self._numbers) - self.mean**2
