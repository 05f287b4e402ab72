"""Claims, changes and reference rows for tests of the parts of pages: plain objects, no database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from components.claim_rows import Wording
from db.changes import Change
from db.claims import FIELDS, Claim
from db.reference import ClaimStatus, Garage, Insurer, Reference, RepairStage, StatusReason, WaitingParty

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)


def labelled(model, key, label, **more):
    return model(id=key, label=label, label_en=key, position=more.pop('position', 0), active=True, **more)


@pytest.fixture
def reference():
    status = {'category': 'open', 'default_waiting_on': 'bureau', 'explanation': 'הסבר', 'explanation_en': 'why'}
    return Reference(
        statuses={
            'new': labelled(ClaimStatus, 'new', 'חדשה', reason_required=False, **status),
            'rejected': labelled(ClaimStatus, 'rejected', 'נדחתה', reason_required=True, **status),
        },
        reasons={'rejected': (labelled(StatusReason, 'no_answer', 'אי תגובה', status_id='rejected'),)},
        stages={
            key: labelled(RepairStage, key, label, position=place, shown=shown)
            for place, (key, label, shown) in enumerate(
                [
                    ('not_arrived', 'טרם נכנס', True),
                    ('received', 'קבלת הרכב', True),
                    ('towing', 'גרירה', False),
                    ('paint', 'צבע', True),
                    ('delivered', 'נמסר', True),
                ]
            )
        },
        waiting={'garage': labelled(WaitingParty, 'garage', 'המוסך')},
        insurers={2: Insurer(id=2, name='הפניקס', active=True), 3: Insurer(id=3, name='שירביט', active=False)},
        garages={7: Garage(id=7, name='מוסך "גלבוע"', phone='045550178', contact='סמיר', address='', active=True)},
        appraisers={},
        **{name: {} for name in set(Reference.__dataclass_fields__) - KNOWN},
    )


KNOWN = {'statuses', 'reasons', 'stages', 'waiting', 'insurers', 'garages', 'appraisers'}


@pytest.fixture
def wording(reference):
    return Wording(reference, {1: 'דנה ארז'}, 'he', 'סוכנות לוי')


def make(**over):
    given = {
        'insured_name': 'רונית',
        'insured_phone': '0525550134',
        'plate': '21734801',
        'event_date': date(2026, 10, 28),
        'status': 'new',
        'waiting_on': 'garage',
        'waiting_since': NOON - timedelta(days=12),
        'is_open': True,
        'tp_insurer': 2,
        'agent': 1,
    }
    return Claim(
        **{name: '' for name, field in FIELDS.items() if field.kind in ('text', 'name', 'code')} | given | over
    )


def change(number, fields, kind='updated', user_id=9, at=NOON):
    return Change(id=number, claim_id=1, office_id=1, at=at, user_id=user_id, by='שירה', kind=kind, fields=fields)
