"""Labs for tests: built once a module, their logs shown when a test fails."""

from collections.abc import Iterator

import pytest

from piranha.lab.build import Lab
from piranha.lab.topology import direct_cluster, nat_cluster

_open: list[Lab] = []


@pytest.fixture(scope="module")
def nat_lab() -> Iterator[Lab]:
    """A lab whose real servers live behind the routers."""
    yield from _lab(Lab(nat_cluster()))


@pytest.fixture(scope="module")
def small_nat_lab() -> Iterator[Lab]:
    """The same with one real server, for what is not about servers."""
    yield from _lab(Lab(nat_cluster(1)))


@pytest.fixture(scope="module")
def direct_lab() -> Iterator[Lab]:
    """A lab whose real servers live beside the routers and hold the VIPs on lo."""
    yield from _lab(Lab(direct_cluster()))


def _lab(lab: Lab) -> Iterator[Lab]:
    with lab:
        _open.append(lab)
        yield lab
        _open.remove(lab)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add what the daemons said to the report of a failed test."""
    report = yield
    if report is not None and report.failed:
        for lab in _open:
            report.sections.append((f"logs of {lab.folder.name}", lab.log_text()))
    return report
