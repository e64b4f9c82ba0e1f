"""The worker processes of the service: their memory and open files, and killing one of them."""

import statistics
import time
from dataclasses import dataclass, field

import psutil

MEGABYTE = 1024 * 1024


@dataclass
class Sample:
    """Memory and open files of all workers at one time."""

    at: float
    megabytes: float
    files: int


@dataclass
class Workers:
    """The workers of the service whose parent process has this id."""

    pid: int
    samples: list[Sample] = field(default_factory=list)

    def processes(self) -> list[psutil.Process]:
        """The processes that serve, without the parent and Python's resource tracker."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def sample(self) -> None:
        try:
            workers = self.processes()
            megabytes = sum(worker.memory_info().rss for worker in workers) / MEGABYTE
            files = sum(worker.num_fds() for worker in workers)
        except psutil.NoSuchProcess:
            return  # one was killed just now
        self.samples.append(Sample(time.monotonic(), megabytes, files))

    def kill_one(self) -> int:
        """The id of the killed worker."""
        victim = self.processes()[0]
        victim.kill()
        return victim.pid

    def growth(self, begins: float, ends: float) -> float:
        """Growth of memory between these times, as a share: median of the last fifth over that of the first."""
        fifth = (ends - begins) / 5
        before = [sample.megabytes for sample in self.samples if begins <= sample.at < begins + fifth]
        after = [sample.megabytes for sample in self.samples if ends - fifth <= sample.at <= ends]
        return statistics.median(after) / statistics.median(before) - 1
