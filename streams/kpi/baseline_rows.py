"""What baselines say, as rows of key figures and as rows of the audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from detectors.efficiency.baseline_records import A_DAY, STEPS, Said, Span
from detectors.efficiency.fit import VERDICTS
from schemas.audit import Audit, Outcome
from schemas.command import Target
from schemas.kpi import KpiRow
from schemas.times import format_time
from streams.kpi.baseline_model import Telling, id_of, proposal_id

UNTOLD = VERDICTS[1]


class Notice(NamedTuple):
    """Something that a baseline did of itself, to stand in the audit."""

    id: str
    outcome: Outcome
    asset: str
    why: str
    detail: dict[str, Any]


def rows(asset: str, telling: Telling, config: str) -> Iterator[KpiRow]:
    """The figures of one period."""
    for kpi, unit, value, reason in _figures(telling.said):
        yield _row(asset, telling, config, kpi, unit, value, reason)


def proposed_row(asset: str, telling: Telling, config: str) -> KpiRow:
    """Whether something is proposed, told anew after a decision."""
    return _row(asset, telling, config, "baseline_proposed", "1", Span(float(telling.said.proposed)), "")


def _row(asset: str, telling: Telling, config: str, kpi: str, unit: str, value: Span, reason: str) -> KpiRow:
    return KpiRow(
        asset=asset,
        kpi=kpi,
        start=telling.period.start,
        end=telling.period.end,
        value=value.value,
        low=value.low,
        high=value.high,
        unit=unit,
        coverage=telling.coverage,
        status="final" if telling.revision == 1 else "restated",
        revision=telling.revision,
        reason=reason,
        config=config,
    )


def _figures(said: Said) -> Iterator[tuple[str, str, Span, str]]:
    """Figure, unit, value, and why there is none (of the step: why it is not a shorter one)."""
    if said.phase != "judged":
        yield "baseline_warm", "1", Span(min(said.warm, 1.0)), ""
    if said.phase == "learning":
        return
    if said.phase != "accepted":
        for kpi, value in (("expected_energy", said.expected), ("savings", said.saved), ("savings_total", said.total)):
            yield kpi, "kW.h", value, said.why if value.value is None else ""
    for kpi, fit in zip(("baseline_r2", "baseline_cv_rmse", "baseline_nmbe"), said.fit, strict=True):
        yield kpi, "1", Span(fit), UNTOLD if fit is None else ""
    hours = Span() if said.step is None else Span(24.0 / A_DAY[said.step])
    yield "baseline_step", "h", hours, said.refused
    if said.phase != "refused":
        yield "baseline_proposed", "1", Span(float(said.proposed)), ""


def notice(asset: str, telling: Telling) -> Notice:
    """What is to stand in the audit of a period's news."""
    said, life = telling.said, telling.life
    assert life is not None
    assert life.frozen is not None
    step = STEPS[life.frozen.step]
    detail: dict[str, Any] = {"asset": asset, "step": step}
    if said.news == "accepted":
        detail |= dict(zip(("r2", "cv_rmse", "nmbe"), said.fit, strict=True)) | {"refused": said.refused}
        why = f"the baseline of {asset} by {step} meets the guideline, and is in force from {_at(life.frozen.since)} on"
        return Notice(id_of(asset, step, life.frozen.since, "accepted"), "accepted", asset, why, detail)
    if life.proposal is None:
        why = f"{asset} takes again what its baseline expects: nothing is proposed any more"
        return Notice(id_of(asset, step, telling.period.end, "withdrawn"), "withdrawn", asset, why, detail)
    proposal, name = life.proposal, proposal_id(asset, life)
    assert name is not None
    detail |= {"proposal": name, "began": proposal.began, "per_period": proposal.per_period}
    less = "less" if proposal.direction < 0 else "more"
    why = (
        f"since about {_at(proposal.began)} {asset} has taken {abs(proposal.per_period):.3g} kW.h {less} a {step} than "
        "its baseline expects: approve takes what was learned since then for the baseline, reject keeps the one in "
        "force"
    )
    return Notice(id_of(name, "proposed"), "proposed", asset, why, detail)


def audit_of(notice: Notice, partition: int, offset: int, received: int, config: str) -> Audit:
    """The audit's row of a notice that was made at a message of the log."""
    return Audit(
        audit_id=notice.id,
        command_id=None,
        kind="baseline",
        target=Target(asset=notice.asset),
        outcome=notice.outcome,
        why=notice.why,
        detail=notice.detail,
        log="reading.v1",
        partition=partition,
        offset=offset,
        received=received,
        config=config,
    )


def _at(time: int) -> str:
    return format_time(time)
