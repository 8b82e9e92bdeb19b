from dataclasses import replace

from benchmarks.cases import CASES
from benchmarks.names import ENVOY, GATEPOST, NGINX
from benchmarks.report import cases_table, figures_table, headline, number, remarks, targets_table
from benchmarks.samples import Figure, Sample, Side
from benchmarks.targets import Target

FIRST = CASES[0]


def sample(contender: str = GATEPOST, cpu: float = 30.0, round_: int = 0) -> Sample:
    return Sample(FIRST.name, contender, round_, cpu, 31_000.4, 0.002, 0.004, 70.2, busy=0.97)


def test_a_row_has_the_median_and_the_ratio_within_the_round() -> None:
    samples = [sample(NGINX, 10), sample(GATEPOST, 20), sample(NGINX, 20, 1), sample(GATEPOST, 20, 1)]
    row = cases_table([FIRST], samples).splitlines()[-1]
    assert (
        row
        == f"| {FIRST.name} | Gatepost | 20.0 | 1.50 × nginx + Lua | 31,000 | 2.00 | 4.00 |  | 70 | 97% |  |"
    )


def test_a_quiet_run_at_full_load_needs_no_remark() -> None:
    assert remarks([sample()]) == []


def test_wrong_answers_are_said_with_their_kinds() -> None:
    assert remarks([replace(sample(), wrong=3, kinds="status 3"), sample()]) == [
        "**3 wrong answers** (status 3)"
    ]


def test_it_is_said_when_the_load_was_the_limit() -> None:
    slack = replace(sample(), busy=0.89)
    assert remarks([slack]) == ["the load was the limit"]
    assert remarks([replace(slack, paced=True)]) == []
    assert remarks([replace(slack, disturbed=0.02)]) == []
    assert remarks([replace(slack, own_core=False)]) == ["shares a core with the load"]


def test_how_late_the_load_was_itself_stands_beside_what_it_found() -> None:
    punctual = replace(sample(), paced=True, late=0.00004, late_most=0.00015)
    assert remarks([punctual]) == ["the load itself was late: p99 0.04 ms, p99.9 0.15 ms"]


def test_a_base_in_another_case_is_named_with_it() -> None:
    other = replace(FIRST, name="other", base_case=FIRST.name)
    samples = [sample(NGINX, 10), replace(sample(GATEPOST, 20), case="other")]
    assert f"| 2.00 × nginx + Lua in “{FIRST.name}” |" in cases_table([other], samples)


def test_it_is_said_when_others_used_the_core() -> None:
    assert remarks([replace(sample(), disturbed=0.2)]) == ["others used 20% of its core"]


def test_what_the_store_did_is_said_where_it_was_asked() -> None:
    asked = replace(sample(), store_cpu=12.34, store_commands=2.0)
    assert remarks([asked]) == ["its store: 2.00 commands, 12.3 µs per request"]
    assert remarks([replace(asked, store_commands=0.001)]) == []


def test_a_target_says_what_was_wanted_and_what_came() -> None:
    target = Target("x", Side(FIRST.name, GATEPOST), 1.6, "× nginx + Lua", Side(FIRST.name, NGINX))
    samples = [sample(NGINX, 10), sample(GATEPOST, 20)]
    assert (
        targets_table([target], samples).splitlines()[-1]
        == "| x | ≤ 1.6 × nginx + Lua | 2 | 2 to 2 | **no** |"
    )
    assert targets_table([target], []).splitlines()[-1] == "| x | ≤ 1.6 × nginx + Lua | not measured |  |  |"


def test_figures_have_their_median_and_unit() -> None:
    values = [Figure("start", GATEPOST, 0, value, "s") for value in (0.7, 0.5, 0.6)]
    assert figures_table(values).splitlines()[-1] == "| start | Gatepost | 0.6 | 0.5 to 0.7 | s |"


def test_the_headline_names_who_took_part() -> None:
    text = headline([sample(NGINX, 10), sample(GATEPOST, 20), sample(ENVOY, 40)])
    assert text.endswith("2.00 times the CPU of nginx with Lua, 0.50 times the CPU of Envoy with Lua.")


def test_numbers_have_three_digits_or_all_before_the_point() -> None:
    assert [number(value) for value in (17_500, 333.4, 1.6, 1 / 3, 0.0002)] == [
        "17,500", "333", "1.6", "0.333", "0.0002",
    ]  # fmt: skip


def test_the_999th_thousandth_stands_only_where_requests_had_a_time_at_which_they_were_due() -> None:
    row = cases_table([FIRST], [replace(sample(), p999=0.0125)]).splitlines()[-1]
    assert "| 4.00 | 12.50 | 70 |" in row
