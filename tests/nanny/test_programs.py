"""External checks: programs that behave well or badly."""

import os
import time
from pathlib import Path

import pytest
from tests.nanny.servers import alive, assignment, check_once, wait_for

from piranha.lvscf.check_values import Expect, Program, WeightFrom
from piranha.nanny.engine import Engine
from piranha.nanny.results import Advice, ProbeResult, Reason


def run(
    *command: str, expect: bytes | None = None, regex: bool = False, honour: bool = True, limit_s: float = 2.0
) -> ProbeResult:
    wanted = None if expect is None else Expect(text=expect, regex=regex)
    return check_once(Program(command=command, expect=wanted, honour_status=honour), 8080, limit_s=limit_s)


def shell(script: str, **options: object) -> ProbeResult:
    return run("sh", "-c", script, **options)  # type: ignore[arg-type]  # the options of `run`, by name


def test_exit_status_0_is_up() -> None:
    result = shell("exit 0")

    assert (result.reason, result.detail) == (Reason.OK, "program: exit status 0")
    assert [name for name, _ in result.phases_ms] == ["run"]


def test_any_other_exit_status_is_down_even_when_the_output_is_right() -> None:
    """The original took such a server for up (reference 4.4)."""
    result = shell("echo OK; echo disk full >&2; exit 3", expect=b"OK")

    assert result.reason is Reason.PROGRAM_FAILED
    assert result.detail == "program: exit status 3; it said 'disk full'"


def weigh(script: str, weight_from: WeightFrom, expect: Expect | None = None) -> ProbeResult:
    return check_once(Program(command=("sh", "-c", script), weight_from=weight_from, expect=expect), 8080, limit_s=2.0)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(0, Advice(100, percent=True)), (2, Advice(0, percent=False)), (255, Advice(253, percent=False))],
)
def test_by_status_2_to_255_are_good_and_weights_0_to_253(status: int, advice: Advice) -> None:
    result = weigh(f"exit {status}", WeightFrom.STATUS)

    assert (result.reason, result.advice) == (Reason.OK, advice)
    assert result.detail == f"program: exit status {status}, {advice}"


def test_by_status_1_and_signals_are_failures() -> None:
    failed, killed = weigh("exit 1", WeightFrom.STATUS), weigh("kill -KILL $$", WeightFrom.STATUS)

    assert (failed.reason, failed.advice) == (Reason.PROGRAM_FAILED, None)
    assert (killed.reason, killed.advice) == (Reason.PROGRAM_FAILED, None)


@pytest.mark.parametrize(
    ("output", "percent"),
    [("75%", 75), ("  7.5 % and more", 7.5), ("0%\\n90%", 0), ("250%", 100), ("75", 100), ("-5%", 100), ("", 100)],
)
def test_by_output_a_percent_is_the_first_word_and_without_one_the_weight_is_that_of_the_file(
    output: str, percent: float
) -> None:
    result = weigh(f"printf %b '{output}'", WeightFrom.OUTPUT)

    assert (result.reason, result.advice) == (Reason.OK, Advice(percent, percent=True))


def test_an_output_without_percent_is_told() -> None:
    assert weigh("echo busy", WeightFrom.OUTPUT).detail == (
        "program: exit status 0, no percent on its first line 'busy': weight 100%"
    )


def test_by_output_the_exit_status_decides_whether_it_is_up_and_expect_as_ever() -> None:
    failed = weigh("echo 75%; exit 3", WeightFrom.OUTPUT)
    wanted = Expect(text=b"ready", regex=True)
    good, bad = weigh("echo 75% ready", WeightFrom.OUTPUT, wanted), weigh("echo 75% busy", WeightFrom.OUTPUT, wanted)

    assert (failed.reason, failed.advice) == (Reason.PROGRAM_FAILED, None)
    assert (good.advice, good.detail) == (Advice(75, percent=True), "program: output as expected, weight 75%")
    assert (bad.reason, bad.advice) == (Reason.MISMATCH, None)


def test_death_by_a_signal_is_down() -> None:
    result = shell("kill -SEGV $$")

    assert (result.reason, result.detail) == (Reason.PROGRAM_FAILED, "program: killed by SIGSEGV")


def test_a_program_that_cannot_be_run_is_down() -> None:
    """The original took it for up when expect was set (reference 4.4)."""
    result = run("/nonexistent/check", expect=b"OK")

    assert result.reason is Reason.PROGRAM_FAILED
    assert result.detail == "program: /nonexistent/check cannot be run: No such file or directory"


def test_with_status_ignored_the_output_alone_decides() -> None:
    assert shell("echo OK; exit 1", expect=b"OK", honour=False).ok
    assert shell("echo BAD; exit 0", expect=b"OK", honour=False).reason is Reason.MISMATCH
    assert run("/nonexistent/check", honour=False).reason is Reason.PROGRAM_FAILED


def test_output_is_compared_with_or_without_its_last_newline() -> None:
    """The original cut the last character off whatever it was (reference 4.4)."""
    assert run("printf", "OK", expect=b"OK").ok
    assert run("printf", "OK\\n", expect=b"OK").ok


def test_the_whole_output_must_be_as_expected() -> None:
    result = run("printf", "OK\\nand more\\n", expect=b"OK")

    assert (result.reason, result.detail) == (Reason.MISMATCH, r"program: 'OK\nand more\n' instead of 'OK'")


def test_a_regular_expression_is_found_anywhere_in_the_output() -> None:
    assert run("printf", "load 3\\nqueue 17\\n", expect=b"queue [[:digit:]]+", regex=True).ok
    assert run("printf", "queue empty", expect=b"queue [[:digit:]]+", regex=True).reason is Reason.MISMATCH


def test_more_than_4_kb_of_output_is_no_match_and_does_not_block_the_program() -> None:
    result = shell("head -c 1000000 /dev/zero | tr '\\0' x; echo", expect=b"x" * 4096)

    assert (result.reason, result.detail) == (Reason.MISMATCH, "program: more than 4096 bytes of output")


def test_a_program_that_writes_without_end_ends_at_its_time_limit() -> None:
    began = time.monotonic()
    result = shell("yes & yes >&2", limit_s=0.3)

    assert result.reason is Reason.TIMEOUT
    assert result.detail.startswith("program: not finished in 300 ms, killed; it said 'y\\ny\\n")
    assert time.monotonic() - began < 1.5


def test_what_left_the_group_and_writes_on_holds_nobody_up(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    result = shell(
        f"setsid sh -c 'echo $$ > {pid}.new; mv {pid}.new {pid}; exec yes' & while test ! -e {pid}; do :; done"
    )

    assert result.ok
    wait_for(lambda: not alive(int(pid.read_text())))  # nobody reads any more: SIGPIPE


def test_a_program_that_may_not_be_executed_is_down(tmp_path: Path) -> None:
    script = tmp_path / "check"
    script.write_text("#!/bin/sh\nexit 0\n")

    assert run(str(script)).detail == f"program: {script} cannot be run: Permission denied"


def test_address_and_port_are_replaced_inside_words_too() -> None:
    """The original replaced whole words only (reference 4.4)."""
    assert run("printf", "%s", "http://%h:%p/", expect=b"http://127.0.0.1:8080/").ok


def test_words_are_not_read_by_a_shell() -> None:
    assert run("printf", "%s", "$HOME;`id`|*", expect=b"$HOME;`id`|*").ok


def test_a_program_that_reads_finds_the_end_at_once() -> None:
    assert run("cat", expect=b"").ok


def test_the_time_limit_kills_the_whole_group(tmp_path: Path) -> None:
    """The intended alarm of the original never came (reference 4.4)."""
    pids = tmp_path / "pids"
    began = time.monotonic()
    result = shell(f"sleep 60 & echo $! $$ > {pids}; echo still here >&2; sleep 60", limit_s=0.3)

    assert 0.3 <= time.monotonic() - began < 1.5
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "program: not finished in 300 ms, killed; it said 'still here'"
    for pid in pids.read_text().split():
        wait_for(lambda pid=pid: not alive(int(pid)))  # type: ignore[misc]  # pid is bound now, on purpose


def test_what_a_program_leaves_behind_in_its_group_ends_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    result = shell(f"sleep 60 & echo $! > {pids}; exit 0")

    assert result.ok
    wait_for(lambda: not alive(int(pids.read_text())))


def test_a_program_runs_in_a_group_of_its_own_and_without_variables_of_this_interpreter() -> None:
    os.environ["PYTHONHASHSEED"] = "0"
    result = shell('test "$(ps -o pgid= -p $$ | tr -d " ")" = $$ && test -z "$PYTHONPATH$NOTIFY_SOCKET"')

    assert result.detail == "program: exit status 0"


def test_programs_run_at_most_so_many_at_a_time_and_their_time_counts_from_their_start() -> None:
    engine = Engine(program_limit=2)
    began = time.monotonic()
    try:
        for number in range(12):
            program = Program(command=("sleep", "0.1"))
            engine.assign(assignment(program, 80, interval_s=10.0, limit_s=0.55, name=f"www/web{number}"))
        results: list[ProbeResult] = []
        while len(results) < 12:
            assert time.monotonic() - began < 5
            results += engine.turn(began + 5)
    finally:
        engine.close()

    assert time.monotonic() - began >= 0.6
    assert {result.reason for result in results} == {Reason.OK}


def test_a_slow_program_delays_no_other_check() -> None:
    engine = Engine(program_limit=1)
    began = time.monotonic()
    try:
        engine.assign(assignment(Program(command=("sleep", "60")), 80, interval_s=30.0, name="www/slow"))
        engine.assign(assignment(Program(command=("true",)), 80, interval_s=30.0, name="www/waits"))
        engine.forget("www/waits")  # while it waits for its turn
        engine.forget("www/slow")  # while it runs
        engine.assign(assignment(Program(command=("true",)), 80, interval_s=30.0, name="www/next"))
        results: list[ProbeResult] = []
        while not results:
            assert time.monotonic() - began < 3
            results = engine.turn(began + 3)
    finally:
        engine.close()

    assert [(result.id, result.ok) for result in results] == [("www/next", True)]
