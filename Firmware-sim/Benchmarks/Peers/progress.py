"""What is going on, on standard error, while a run goes on."""

import sys
import time

# Seconds that a work takes with one peer, to begin with; what it really takes is learnt.
FIRST_GUESS = {"connect": 10, "resume": 6, "idle": 12, "qos0": 14, "qos1": 6, "latency": 12, "storm": 12}


class Progress:
    def __init__(self, steps, repetitions, quiet=False, stream=sys.stderr, clock=time.monotonic):
        self.left = list(steps)  # the works of all steps, in their order
        self.repetitions, self.quiet, self.stream, self.clock = repetitions, quiet, stream, clock
        self.total, self.done = len(self.left), 0
        self.taken = {}
        self.began = None

    def estimate(self):
        """Seconds that are left, by what each work took until now."""
        known = sum(sum(times) for times in self.taken.values())
        guessed = sum(FIRST_GUESS.get(work, 10) * len(times) for work, times in self.taken.items())
        pace = known / guessed if guessed else 1.0
        return sum(sum(self.taken[work]) / len(self.taken[work]) if work in self.taken
                   else FIRST_GUESS.get(work, 10) * pace for work in self.left)

    def step(self, repetition, peer, what):
        self.began = self.clock()
        self.say(f"[{self.done + 1:3}/{self.total}] repetition {repetition} of {self.repetitions}: {peer}, {what}"
                 f"   (about {duration(self.estimate())} left)")

    def finished(self):
        work = self.left.pop(0)
        self.taken.setdefault(work, []).append(self.clock() - self.began)
        self.done += 1

    def say(self, text):
        if not self.quiet:
            print(text, file=self.stream, flush=True)


def duration(seconds):
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
