"""How a claim of the demo goes: its people and cars, the statuses it passes in order, and every step on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from stdnum import luhn

from db import demo_words as words
from db import values

# in working days, from entering a status to the next thing that happens
_PAUSES: Mapping[str, float] = {
    'new': 0.6,
    'awaiting_details': 4,
    'awaiting_appraiser': 2,
    'in_repair': 1,
    'awaiting_documents': 3,
    'ready_to_submit': 3,
    'submitted': 2,
    'under_insurer_review': 5,
    'insurer_requested_info': 3,
    'offer_received': 6,
    'in_negotiation': 5,
    'approved_for_payment': 5,
    'awaiting_payment': 5,
    'partially_paid': 12,
    'paid': 4,
    'rejected': 9,
    'moved_to_legal': 12,
    'in_legal': 30,
    'closed': 1,
}
# how a claim ends once the insurer has looked at it
ENDINGS: Mapping[str, tuple[str, ...]] = {
    'paid_in_full': ('approved_for_payment', 'awaiting_payment', 'paid', 'closed'),
    'paid_in_part': (
        *('offer_received', 'in_negotiation', 'approved_for_payment', 'awaiting_payment', 'partially_paid', 'closed'),
    ),
    'closed_rejected': ('rejected', 'closed'),
    'closed_no_recovery': ('rejected', 'closed'),
    'closed_to_legal': ('rejected', 'moved_to_legal', 'in_legal', 'closed'),
    'closed_cancelled': (),
}
_ENDING_OF: Mapping[str, str] = {
    'partially_paid': 'paid_in_part',
    'offer_received': 'paid_in_part',
    'in_negotiation': 'paid_in_part',
    'rejected': 'closed_rejected',
    'moved_to_legal': 'closed_to_legal',
    'in_legal': 'closed_to_legal',
}
_REPAIR: tuple[tuple[str, float], ...] = (
    *(('parts_ordered', 0.4), ('awaiting_parts', 1.5), ('bodywork', 4), ('paint', 2), ('reassembly', 1.5)),
    *(('quality_control', 1), ('ready_for_pickup', 0.6), ('delivered', 0.5)),
)


class InDays(int):
    """A date that many days after the step it stands in."""

    def seen_from(self, today: date) -> date:
        """The date itself."""
        return today + timedelta(days=self)


@dataclass(frozen=True)
class Step:
    """Something that happens to a claim `pause` working days after the step before."""

    pause: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    kind: str = 'updated'
    note: str = ''


@dataclass
class Case:
    """What will be known of a claim in the end; the steps let it come out bit by bit."""

    rng: Random
    until: str
    ending: str
    settlement: bool
    total_loss: bool
    opening: dict[str, Any]
    details: dict[str, Any]
    garage: int
    appraiser: int
    sums: Mapping[str, int]

    def sum_of(self, status: str) -> str:
        """The sum people speak of while a claim is in this status."""
        name = {'offer_received': 'offered', 'in_negotiation': 'offered', 'partially_paid': 'part'}.get(status)
        if name is None:
            name = 'approved' if status in ('approved_for_payment', 'awaiting_payment', 'paid') else 'demand'
        return values.format_money(self.sums[name])


def plan(rng: Random, until: str, market: Mapping[str, int], clans: slice) -> Case:
    """Decide how a claim that gets as far as `until` came about and how it goes. `market` is insurer code → id; `clans` the families."""
    ending = _ENDING_OF.get(until) or _weighted(
        rng, (('paid_in_full', 70), ('paid_in_part', 15), ('closed_rejected', 4), ('closed_to_legal', 3))
    )
    if until == 'closed' and rng.random() < 0.08:
        ending = rng.choice(('closed_no_recovery', 'closed_cancelled'))
    if until in ('approved_for_payment', 'awaiting_payment', 'paid'):
        ending = 'paid_in_full'
    year = rng.randint(2009, 2025)
    car, price = rng.choice(words.CARS)
    total_loss = until != 'in_repair' and ending != 'closed_cancelled' and rng.random() < 0.03
    opening = {**_insured(rng, clans), **_car(rng, car, year), **_driver_and_accident(rng)}
    return Case(
        rng=rng,
        until=until,
        ending=ending,
        settlement=ending == 'paid_in_full' and not total_loss and rng.random() < 0.18,
        total_loss=total_loss,
        opening=opening | {'own_insurer': market[_weighted(rng, words.MARKET[:12])]},
        details=_third_party(rng, market, clans),
        garage=_near(rng, opening['insured_address'], [firm[2] for firm in words.GARAGES]),
        appraiser=_near(rng, opening['insured_address'], [firm[2] for firm in words.APPRAISERS]),
        sums=_sums(rng, price if not total_loss else price * 3, year),
    )


def steps_of(case: Case) -> list[Step]:
    """Everything after the opening, as far as the case goes."""
    path = _path(case)
    steps: list[Step] = []
    for place, status in enumerate(path):
        chapter = _chapter(case, status, first=place == 0)
        if status == case.until != 'closed' and place == len(path) - 1:
            chapter = chapter[: case.rng.randint(0 if place == 0 else 1, len(chapter))]
        steps += chapter
    return steps


def _path(case: Case) -> list[str]:
    """The statuses a case passes, in the order of the trade."""
    rng, until = case.rng, case.until
    if case.ending == 'closed_cancelled':
        return ['new', 'closed']
    before = ['new', *(['awaiting_details'] if until == 'awaiting_details' or rng.random() < 0.6 else [])]
    repair = [] if case.total_loss else ['in_repair']
    claimed = ['awaiting_documents', 'ready_to_submit', 'submitted', 'under_insurer_review']
    if until == 'insurer_requested_info' or rng.random() < 0.2:
        claimed += ['insurer_requested_info', 'under_insurer_review']
    ending = list(ENDINGS[case.ending])
    if case.settlement:  # the insurer approves first and pays the garage itself
        path = [*before, 'awaiting_appraiser', *claimed, 'approved_for_payment', *repair, *ending[1:]]
    else:
        path = [*before, 'awaiting_appraiser', *repair, *claimed, *ending]
    return path[: path.index(until) + 1] if until in path else path


def _chapter(case: Case, status: str, *, first: bool) -> list[Step]:
    """Entering a status, and what happens while the claim is in it."""
    rng = case.rng
    entering: dict[str, Any] = {} if first else {'status': status, **_with_status(case, status)}
    if status in words.NEXT_ACTIONS and rng.random() < 0.85:
        entering |= {
            'next_action': rng.choice(words.NEXT_ACTIONS[status]),
            'next_action_due': InDays(rng.randint(2, 9)),
        }
    chapter = [] if first and rng.random() < 0.5 else [Step(_about(rng, _PAUSES[status]), entering)] if entering else []
    chapter += _INSIDE[status](case) if status in _INSIDE else []
    if status in words.DAILY_NOTES and rng.random() < 0.6:
        text = rng.choice(words.DAILY_NOTES[status]).replace('{sum}', case.sum_of(status))
        chapter.insert(rng.randint(min(1, len(chapter)), len(chapter)), Step(_about(rng, 0.7), {'daily_note': text}))
    if rng.random() < 0.02:
        chapter.append(Step(0.2, kind='noted', note=rng.choice(words.INTERNAL_NOTES)))
    if rng.random() < 0.04:
        chapter.append(Step(0.5, kind='checked'))
    return chapter


def _with_status(case: Case, status: str) -> dict[str, Any]:
    """What is written together with a status."""
    rng, sums = case.rng, case.sums
    together: Mapping[str, Callable[[], dict[str, Any]]] = {
        'ready_to_submit': lambda: {'demand_amount': sums['demand'], 'documents': 'complete'},
        'submitted': lambda: {'submitted_at': InDays(0)},
        'insurer_requested_info': lambda: {'status_reason': rng.choice(words.ASKED_FOR)},
        'offer_received': lambda: {'offered_amount': sums['offered']},
        'approved_for_payment': lambda: {'approved_amount': sums['approved']},
        'partially_paid': lambda: {
            'received_amount': sums['part'],
            'status_reason': rng.choice(words.PAID_IN_PART_BECAUSE),
        },
        'paid': lambda: {'received_amount': sums['approved']},
        'rejected': lambda: {'status_reason': rng.choice(words.REJECTED_BECAUSE)},
        'moved_to_legal': lambda: {'status_reason': rng.choice(words.LEGAL_REASONS)},
        'closed': lambda: {'status_reason': case.ending, 'next_action': '', 'next_action_due': None},
    }
    return together[status]() if status in together else {}


# ---- what happens while a claim is in a status ------------------------------------------------------------------------------


def _details(case: Case) -> list[Step]:
    found = dict(case.details)
    agent = {name: found.pop(name) for name in list(found) if name.startswith('tp_agent')}
    return [Step(_about(case.rng, 2), found), Step(_about(case.rng, 0.6), agent)]


def _appraisal(case: Case) -> list[Step]:
    rng, track = case.rng, 'settlement' if case.settlement else 'private_report'
    inspected = {'appraised_at': InDays(0)}
    steps = [Step(_about(rng, 0.3), {'garage': case.garage, 'appraiser': case.appraiser, 'track': track})]
    if case.total_loss:
        lost = {'appraisal_amount': case.sums['appraisal'], 'daily_note': words.TOTAL_LOSS_NOTE}
        return [*steps, Step(_about(rng, 2), inspected), Step(_about(rng, 2), lost)]
    return [
        *steps,
        Step(_about(rng, 1.2), {'repair_stage': 'vehicle_received'}),
        Step(_about(rng, 1.5), {'repair_stage': 'appraiser_inspection', **inspected}),
        Step(_about(rng, 1.5), {'appraisal_amount': case.sums['appraisal']}),
        Step(_about(rng, 0.4), {'repair_stage': 'awaiting_repair_approval'}),
    ]


def _repair(case: Case) -> list[Step]:
    rng = case.rng
    steps = [Step(_about(rng, pause), {'repair_stage': stage}) for stage, pause in _REPAIR]
    steps.insert(1, Step(_about(rng, 0.3), {'eta': InDays(rng.randint(12, 18))}))
    if rng.random() < 0.3:
        sooner = {'eta': InDays(rng.randint(4, 7)), 'daily_note': words.NEW_ETA_NOTE}
        steps.insert(4, Step(_about(rng, 0.5), sooner))
    return steps


def _documents(case: Case) -> list[Step]:
    rng = case.rng
    return [
        Step(_about(rng, 0.3), {'documents': 'missing_blocking'}),
        *([Step(_about(rng, 5), {'documents': 'missing'})] if rng.random() < 0.6 else []),
    ]


def _submission(case: Case) -> list[Step]:
    rng = case.rng
    arrived = {
        'insurer_claim_no': f'{rng.choice(("PX", "HR", "TP", "CL"))}-{rng.randint(1_000_000, 9_999_999)}',
        'claims_adjuster': rng.choice(words.ADJUSTERS),
        'claims_adjuster_phone': landline(rng, '03'),
    }
    return [Step(_about(rng, 1.5), arrived)]


_INSIDE: Mapping[str, Callable[[Case], list[Step]]] = {
    'awaiting_details': _details,
    'awaiting_appraiser': _appraisal,
    'in_repair': _repair,
    'awaiting_documents': _documents,
    'submitted': _submission,
}


# ---- people, cars, sums -----------------------------------------------------------------------------------------------------


def person(rng: Random, clans: slice = slice(None)) -> tuple[str, str]:
    """A full name, and the name in a mail address. Offices whose `clans` differ share no family name."""
    _, names, families = rng.choices(words.COMMUNITIES, [community[0] for community in words.COMMUNITIES])[0]
    name, latin = rng.choice(names)
    return f'{name} {rng.choice(families[clans])}', f'{latin}{rng.randint(10, 999)}@example.co.il'


def id_number(rng: Random, first: str = '') -> str:
    """An identity or company number with its check digit."""
    digits = first + ''.join(rng.choices('0123456789', k=8 - len(first)))
    if not int(digits):
        digits = '20000000'
    return digits + luhn.calc_check_digit(digits)


def mobile(rng: Random) -> str:
    """A mobile number that belongs to nobody."""
    return f'05{rng.choice("023458")}555{rng.randint(0, 9999):04}'


def plate(rng: Random, year: int) -> str:
    """Eight digits since the middle of 2017, seven before."""
    return str(rng.randint(100_00_000, 399_99_999) if year > 2016 else rng.randint(12_000_00, 89_999_99))


def address(rng: Random) -> str:
    """A street, a house and a town."""
    city = rng.choice(tuple(words.CITIES))
    return f'{rng.choice(words.CITIES[city][1])} {rng.randint(1, 120)}, {city}'


def _near(rng: Random, home: str, areas: Sequence[str]) -> int:
    """The number of a firm in the area of an address, counted from 1."""
    area = words.CITIES[home.rpartition(', ')[2]][0] if home else rng.choice(areas)
    return rng.choice([place for place, other in enumerate(areas, 1) if other == area])


def landline(rng: Random, area: str) -> str:
    """A number of an office that belongs to nobody."""
    return f'{area}555{rng.randint(0, 9999):04}'


def _insured(rng: Random, clans: slice) -> dict[str, Any]:
    name, email = person(rng, clans)
    company = rng.random() < 0.04
    insured = {
        'insured_name': rng.choice(words.COMPANIES[clans]) if company else name,
        'insured_id_no': id_number(rng, '51') if company else id_number(rng, rng.choice('0123')),
        'insured_address': address(rng),
        'insured_phone': mobile(rng),
        'insured_email': email if rng.random() < 0.7 else '',
        'driver': name if company or rng.random() < 0.7 else person(rng, clans)[0],
    }
    if rng.random() < 0.06:  # not everything is known on the first day
        insured |= {'insured_id_no': '', 'insured_address': ''}
    return insured


def _car(rng: Random, car: str, year: int) -> dict[str, Any]:
    policy = f'{rng.randint(2, 9)}-{rng.randint(100, 999)}-{rng.randint(100_000, 999_999)}-{rng.randint(23, 26)}'
    return {'plate': plate(rng, year), 'make_model': car, 'model_year': year, 'policy_no': policy}


def _driver_and_accident(rng: Random) -> dict[str, Any]:
    return {
        'driver_id_no': id_number(rng, rng.choice('0123')),
        'driver_licence_no': str(rng.randint(1_000_000, 9_999_999)),
        'driver_phone': mobile(rng),
        'circumstances': rng.choice(words.CIRCUMSTANCES),
    }


def _third_party(rng: Random, market: Mapping[str, int], clans: slice) -> dict[str, Any]:
    holder, driver, agent = person(rng, clans)[0], person(rng, clans)[0], person(rng, clans)
    year = rng.randint(2006, 2025)
    third_party = {
        'tp_policy_holder': holder,
        'tp_phone': mobile(rng) if rng.random() < 0.92 else '',
        'tp_plate': plate(rng, year),
        'tp_make_model': rng.choice(words.CARS)[0],
        'tp_insurer': market[_weighted(rng, words.MARKET)],
        'tp_policy_no': f'{rng.randint(10, 99)}-{rng.randint(0, 9999):04}-{rng.randint(10_000, 99_999)}',
        'tp_driver': holder if rng.random() < 0.6 else driver,
        'tp_driver_id_no': id_number(rng, rng.choice('0123')) if rng.random() < 0.8 else '',
        'tp_driver_licence_no': str(rng.randint(1_000_000, 9_999_999)),
        'tp_driver_phone': mobile(rng),
        'tp_driver_address': address(rng),
    }
    if rng.random() < 0.55:
        third_party |= {
            'tp_agent': agent[0],
            'tp_agent_office': rng.choice(words.AGENCIES),
            'tp_agent_phone': landline(rng, '03'),
            'tp_agent_email': agent[1],
        }
    return third_party


def _sums(rng: Random, price: int, year: int) -> dict[str, int]:
    """All in agorot: received never exceeds approved, nor approved the demand."""
    appraisal = round(rng.lognormvariate(5.1, 0.55) * price) * 100
    depreciation = _hundreds(appraisal * rng.uniform(0.02, 0.12)) if year > 2016 else 0
    demand = appraisal + depreciation + rng.randrange(900, 2200, 10) * 100 + rng.choice((0, 0, 120_000, 45_000))
    approved = demand if rng.random() < 0.6 else _hundreds(demand * rng.uniform(0.78, 0.97))
    return {
        'appraisal': appraisal,
        'demand': demand,
        'offered': min(approved, _hundreds(demand * rng.uniform(0.55, 0.85))),
        'approved': approved,
        'part': _hundreds(approved * rng.uniform(0.4, 0.75)),
    }


def _hundreds(agorot: float) -> int:
    """Rounded to whole hundreds of shekels, as offers are."""
    return round(agorot / 10_000) * 10_000


def _weighted(rng: Random, choices: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in choices], [share for _, share in choices])[0]


def _about(rng: Random, days: float) -> float:
    return max(0.02, days * rng.lognormvariate(0, 0.5))
