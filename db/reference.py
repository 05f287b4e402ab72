"""What an admin edits and everybody reads: statuses, stages, parties, reasons, heads of damage, VAT, insurers, garages, appraisers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import ClassVar

from sqlalchemy import ForeignKey, event, select
from sqlalchemy.orm import Mapped, QueryContext, Session, mapped_column, validates

from db import values
from db.base import Base
from db.scope import Can, shared_by_all
from db.texts import N_

OPEN, WAITING, MONEY, LEGAL, CLOSED = 'open', 'waiting', 'money', 'legal', 'closed'
UNKNOWN_INSURER = 'unknown'
HUNDRED = 100


class Labelled:
    """A row with a place in a menu and a label in both languages."""

    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    label: Mapped[str]
    label_en: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)

    def label_in(self, language: str) -> str:
        """The label in a reader's language."""
        return values.printed(self.label) if language == 'he' else self.label_en


@shared_by_all
class ClaimStatus(Labelled, Base):
    """A claim's status: its category, whom one then waits for, whether it takes a reason, and what it means in plain words.

    `label` is the bureau's name for it; who is not of the bureau reads `label_office`, where there is one, in whichever language.
    """

    __tablename__ = 'claim_statuses'
    # whether it was read by somebody who is not of the bureau
    read_outside = False

    category: Mapped[str]
    default_waiting_on: Mapped[str] = mapped_column(ForeignKey('waiting_parties.id'))
    reason_required: Mapped[bool] = mapped_column(default=False)
    explanation: Mapped[str]
    explanation_en: Mapped[str]
    label_office: Mapped[str] = mapped_column(default='')
    label_office_en: Mapped[str] = mapped_column(default='')

    def label_in(self, language: str) -> str:
        """The status in a reader's language, by the name that those call it for whom it was read."""
        return self.label_outside(language) if self.read_outside else super().label_in(language)

    def label_outside(self, language: str) -> str:
        """What it is called outside the bureau; for what the bureau writes to others."""
        names = (self.label_office, self.label_office_en)
        # a name for agents in the other language says more than they should not read than the bureau's own in theirs
        own = next(filter(None, names if language == 'he' else reversed(names)), '')
        return values.printed(own) if own else super().label_in(language)

    def explanation_in(self, language: str) -> str:
        """What the status means, in a reader's language."""
        return self.explanation if language == 'he' else self.explanation_en


@event.listens_for(ClaimStatus, 'load')
def _for_whom(status: ClaimStatus, context: QueryContext) -> None:
    """Whoever reads a status reads it by his name for it: by whatever question, on whatever page, in a mail or a workbook."""
    status.read_outside = not context.session.info['actor'].is_bureau


@shared_by_all
class StatusReason(Labelled, Base):
    """A reason offered for a status that takes one; a free text is accepted beside the list."""

    __tablename__ = 'status_reasons'

    status_id: Mapped[str] = mapped_column(ForeignKey('claim_statuses.id'), primary_key=True)


@shared_by_all
class RepairStage(Labelled, Base):
    """A stage of the repair at the garage, in the order a car usually passes them; `shown` ones make the stage bar.

    `hue` is its colour ('' for the usual one); only one that `alerts` rings the agents' bells. `explanation` says what it means.
    """

    __tablename__ = 'repair_stages'

    shown: Mapped[bool] = mapped_column(default=True)
    hue: Mapped[str] = mapped_column(default='')
    alerts: Mapped[bool] = mapped_column(default=True)
    explanation: Mapped[str] = mapped_column(default='')
    explanation_en: Mapped[str] = mapped_column(default='')

    def explanation_in(self, language: str) -> str:
        """What the stage means, in a reader's language."""
        return self.explanation if language == 'he' else self.explanation_en


@shared_by_all
class HoldReason(Labelled, Base):
    """Why a repair may stand still (סיבת השהיה); also why a day of hand-over moves."""

    __tablename__ = 'hold_reasons'


@shared_by_all
class WaitingParty(Labelled, Base):
    """Somebody a claim may wait for (אצל מי הכדור)."""

    __tablename__ = 'waiting_parties'


@shared_by_all
class CallParty(Labelled, Base):
    """A side one talks to on the phone about a claim (הצד לשיחה)."""

    __tablename__ = 'call_parties'


@shared_by_all
class CallOutcome(Labelled, Base):
    """How a call ended: `reached` ones found somebody, `attempt` ones were in vain and are counted until somebody is reached."""

    __tablename__ = 'call_outcomes'

    reached: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[bool] = mapped_column(default=False)


@shared_by_all
class DocumentType(Labelled, Base):
    """A kind of document a claim may need: its group on the screen, who supplies it, and whether several are usual."""

    __tablename__ = 'document_types'

    group: Mapped[str]
    suppliers: Mapped[list[str]] = mapped_column(default=list)
    many: Mapped[bool] = mapped_column(default=False)


@shared_by_all
class DamageHead(Labelled, Base):
    """A head of damage (ראש נזק): what a demand is made of."""

    __tablename__ = 'damage_heads'


@shared_by_all
class ReductionReason(Labelled, Base):
    """Why an insurer approved less than was demanded on a head of damage."""

    __tablename__ = 'reduction_reasons'


@shared_by_all
class VatRate(Base):
    """The rate of VAT, in percent, from a day on until the next row's day."""

    __tablename__ = 'vat_rates'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    since: Mapped[date] = mapped_column(primary_key=True)
    percent: Mapped[int]

    @validates('percent')
    def _percent(self, _: str, percent: int) -> int:
        if 0 <= percent < HUNDRED:
            return percent
        raise values.Malformed(N_('A rate of VAT is between 0 and 99 percent.'))


@shared_by_all
class Insurer(Base):
    """An insurance company, with the other names people write for it."""

    __tablename__ = 'insurers'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    legal_name: Mapped[str] = mapped_column(default='')
    aliases: Mapped[list[str]] = mapped_column(default=list)
    never: Mapped[list[str]] = mapped_column(default=list)
    kind: Mapped[str] = mapped_column(default='insurer')
    active: Mapped[bool] = mapped_column(default=True)


class _Firm:
    """A firm the bureau works with; staff add one while they work on a claim."""

    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    contact: Mapped[str] = mapped_column(default='')
    phone: Mapped[str] = mapped_column(default='')
    email: Mapped[str] = mapped_column(default='')
    address: Mapped[str] = mapped_column(default='')
    active: Mapped[bool] = mapped_column(default=True)

    @validates('name')
    def _name(self, _: str, name: str) -> str:
        return values.text(name, limit=120)

    @validates('phone')
    def _phone(self, _: str, phone: str) -> str:
        return values.phone(phone) if phone else ''

    @validates('email')
    def _email(self, _: str, email: str) -> str:
        return values.email(email) if email else ''


@shared_by_all
class Garage(_Firm, Base):
    """A garage (מוסך)."""

    __tablename__ = 'garages'

    network: Mapped[bool] = mapped_column(default=False)


@shared_by_all
class Appraiser(_Firm, Base):
    """A motor appraiser (שמאי)."""

    __tablename__ = 'appraisers'

    licence_no: Mapped[str] = mapped_column(default='')


@dataclass(frozen=True)
class Reference:
    """All reference rows at one moment, by id: what screens and records need to turn ids into words."""

    statuses: Mapping[str, ClaimStatus]
    reasons: Mapping[str, tuple[StatusReason, ...]]
    stages: Mapping[str, RepairStage]
    hold_reasons: Mapping[str, HoldReason]
    waiting: Mapping[str, WaitingParty]
    insurers: Mapping[int, Insurer]
    garages: Mapping[int, Garage]
    appraisers: Mapping[int, Appraiser]
    document_types: Mapping[str, DocumentType]
    call_parties: Mapping[str, CallParty]
    call_outcomes: Mapping[str, CallOutcome]
    damage_heads: Mapping[str, DamageHead]
    reduction_reasons: Mapping[str, ReductionReason]

    def statuses_by_name(self, language: str) -> Mapping[str, Sequence[ClaimStatus]]:
        """The statuses by what a reader calls them, in order: several may be one to him."""
        named: dict[str, list[ClaimStatus]] = {}
        for status in self.statuses.values():
            named.setdefault(status.label_in(language), []).append(status)
        return named

    @cached_property
    def shown_stages(self) -> list[RepairStage]:
        """The stages of the stage bar, in order."""
        return [stage for stage in self.stages.values() if stage.shown and stage.active]

    @property
    def unknown_insurer(self) -> int | None:
        """The id of the row that stands for an insurer nobody knows."""
        return next((row.id for row in self.insurers.values() if row.code == UNKNOWN_INSURER), None)

    def step_from(self, stage_id: str | None, way: int) -> RepairStage | None:
        """The shown stage after (`way` 1) or before (-1) this one; without a stage the first one comes next."""
        current = self.stages.get(stage_id or '')
        if current is None:
            return next(iter(self.shown_stages), None) if way > 0 else None
        there = [stage for stage in self.shown_stages[::way] if (stage.position - current.position) * way > 0]
        return next(iter(there), None)

    def stage_place(self, stage_id: str | None) -> tuple[int, int]:
        """(how far, of how many) on the stage bar: 1-based, 0 before the car arrives; a hidden stage counts as the shown one before it."""
        return self._stage_places.get(stage_id or '', 0), len(self._positions_to_pass)

    @cached_property
    def _positions_to_pass(self) -> list[int]:
        return [stage.position for stage in self.shown_stages if stage.id != 'not_arrived']

    @cached_property
    def _stage_places(self) -> Mapping[str, int]:
        positions = self._positions_to_pass
        return {key: sum(place <= stage.position for place in positions) for key, stage in self.stages.items()}


def reference(session: Session) -> Reference:
    """Read every reference row, in menu order."""
    reasons: dict[str, tuple[StatusReason, ...]] = {}
    for reason in session.scalars(select(StatusReason).order_by(StatusReason.position)):
        reasons[reason.status_id] = (*reasons.get(reason.status_id, ()), reason)
    return Reference(
        statuses={row.id: row for row in session.scalars(select(ClaimStatus).order_by(ClaimStatus.position))},
        reasons=reasons,
        stages={row.id: row for row in session.scalars(select(RepairStage).order_by(RepairStage.position))},
        hold_reasons={row.id: row for row in session.scalars(select(HoldReason).order_by(HoldReason.position))},
        waiting={row.id: row for row in session.scalars(select(WaitingParty).order_by(WaitingParty.position))},
        insurers={row.id: row for row in session.scalars(select(Insurer).order_by(Insurer.name))},
        garages={row.id: row for row in session.scalars(select(Garage).order_by(Garage.name))},
        appraisers={row.id: row for row in session.scalars(select(Appraiser).order_by(Appraiser.name))},
        document_types={row.id: row for row in session.scalars(select(DocumentType).order_by(DocumentType.position))},
        call_parties={row.id: row for row in session.scalars(select(CallParty).order_by(CallParty.position))},
        call_outcomes={row.id: row for row in session.scalars(select(CallOutcome).order_by(CallOutcome.position))},
        damage_heads={row.id: row for row in session.scalars(select(DamageHead).order_by(DamageHead.position))},
        reduction_reasons={
            row.id: row for row in session.scalars(select(ReductionReason).order_by(ReductionReason.position))
        },
    )


# ---- orders -----------------------------------------------------------------------------------------------------------------


def firm_named(session: Session, model: type[Garage] | type[Appraiser], name: str) -> int:
    """The garage or appraiser of this name, added when nobody wrote it before; returns its id."""
    wanted = values.search_key(name)
    for firm_id, called in session.execute(select(model.id, model.name)):
        if values.search_key(called) == wanted:
            return firm_id
    added = model(name=name)
    session.add(added)
    session.flush()
    return added.id
