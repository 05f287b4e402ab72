"""Which files are taken, as far as a browser can tell before it sends them, and what is said of files on their way."""

from typing import Any

from db import texts
from db.texts import N_

MOST_MEGABYTES = 25
_MOST = MOST_MEGABYTES * 1024 * 1024
# what is said to somebody who has nobody beside him to ask
EMPTY_FILE = N_('The file is empty. Please photograph the page again, or choose another file.')
TOO_BIG_FILE = N_('The file is larger than {most} MB. Please photograph the page instead, or send it in parts.')
_PICTURES = '.jpg,.jpeg,.jfif,.png,.webp,.heic,.heif,.tif,.tiff'
# what a phone's and a desk's file dialog offer; no `capture`, which would hide the gallery
ACCEPTED = f'image/*,application/pdf,.pdf,{_PICTURES},.xlsx,.docx'


def files_taken() -> dict[str, Any]:
    """What a file must be, by its name and size."""
    return {'accept': ACCEPTED, 'most': _MOST}


def refusal_words(reader: str) -> dict[str, str]:
    """What is said of a file that is not taken."""
    return {
        'empty': texts.t('The file is empty.', reader),
        'kind': texts.t(
            'This kind of file is not accepted. PDF, photos (JPG, PNG, WebP, HEIC), TIFF, Excel and Word are.', reader
        ),
        'tooBig': texts.t('The file is larger than {most} MB.', reader, most=MOST_MEGABYTES),
    }


def queue_words(reader: str) -> dict[str, str]:
    """What is said of files on their way."""
    return {
        **refusal_words(reader),
        'waiting': texts.t('Waiting for its turn', reader),
        'checking': texts.t('Sent. The file is being checked…', reader),
        'held': texts.t('No connection. It goes on as soon as the connection is back.', reader),
        'lost': texts.t('The upload failed: the file was not saved.', reader),
        'failed': texts.t('It did not arrive. Please try again.', reader),
        'signedOut': texts.t('You are signed out. Sign in and send the file again.', reader),
        'dismiss': texts.t('Hide', reader),
    }


def photos_taken(reader: str) -> dict[str, Any]:
    """What a photo of the repair must be, and what is said while several are sent."""
    return {
        'limits': {'accept': _PICTURES, 'most': _MOST},
        'said': {
            'sending': texts.t('Sending photo {n} of {all}…', reader, n='{n}', all='{all}'),
            'arrived': texts.t('Arrived: {done} of {all}', reader, done='{done}', all='{all}'),
            'failed': texts.t('The photo was not sent. Please try again.', reader),
            **refusal_words(reader),
            'kind': texts.t('Please send a photo.', reader),
            'tooBig': texts.t(
                'The photo is too big: a photo may have {most} MB at most. Please take a smaller one.',
                reader,
                most=MOST_MEGABYTES,
            ),
        },
    }


def papers_taken(reader: str) -> dict[str, Any]:
    """What a document of the insured must be, and what is said while he sends some."""
    return {
        'limits': files_taken(),
        'said': {
            'sending': texts.t('Sending file {n} of {all}…', reader, n='{n}', all='{all}'),
            'arrived': texts.t('Arrived: {done} of {all}', reader, done='{done}', all='{all}'),
            'failed': texts.t('The file was not sent. Please check the connection and try again.', reader),
            **refusal_words(reader),
            'empty': texts.t(EMPTY_FILE, reader),
            'tooBig': texts.t(TOO_BIG_FILE, reader, most=MOST_MEGABYTES),
        },
    }
