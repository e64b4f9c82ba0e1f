"""The service as processes: what they hold, and one of them killed."""

import statistics
import time
from dataclasses import dataclass, field

import psutil

MEGABYTE = 1024 * 1024


@dataclass
class Sample:
    """What the workers held at one time."""

    at: float
    megabytes: float
    files: int


@dataclass
class Workers:
    """The workers of one service."""

    pid: int
    samples: list[Sample] = field(default_factory=list)

    def processes(self) -> list[psutil.Process]:
        """Those that serve: the supervisor and the tracker of resources don't."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def sample(self) -> None:
        try:
            workers = self.processes()
            held = sum(worker.memory_info().rss for worker in workers) / MEGABYTE
            files = sum(worker.num_fds() for worker in workers)
        except psutil.NoSuchProcess:
            return  # one has just been killed
        self.samples.append(Sample(time.monotonic(), held, files))

    def kill_one(self) -> int:
        victim = self.processes()[0]
        victim.kill()
        return victim.pid

    def growth(self, begins: float, ends: float) -> float:
        """How much more memory is held at the end of this time than at its beginning, as a share."""
        tenth = (ends - begins) / 5
        before = [sample.megabytes for sample in self.samples if begins <= sample.at < begins + tenth]
        after = [sample.megabytes for sample in self.samples if ends - tenth <= sample.at <= ends]
        return statistics.median(after) / statistics.median(before) - 1
