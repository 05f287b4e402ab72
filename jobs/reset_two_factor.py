"""`python -m jobs.reset_two_factor EMAIL`: lets somebody in by his password again, when no admin is left who could do so."""

import argparse
import sys
from collections.abc import Sequence

from db import identity, schema
from db.accounts import reset_two_factor
from db.scope import Actor
from db.session import connect, open_session
from db.settings import load
from db.texts import ClaimError


def main(arguments: Sequence[str] | None = None) -> None:
    """Reset it, and say so; whoever may run programs here may read the database anyway."""
    parser = argparse.ArgumentParser(
        prog='python -m jobs.reset_two_factor', description='Reset the two-step verification of a person.'
    )
    parser.add_argument('email', help='the address the person signs in with')
    given, settings = parser.parse_args(arguments), load()
    schema.refuse_unless_newest(settings.database_url)
    database = connect(settings.database_url)
    try:
        with open_session(Actor.system('terminal')) as session:
            user_id, _ = identity.account_of(session, given.email)
            reset_two_factor(session, user_id or 0)
    except ClaimError as error:
        raise SystemExit(error.told('en')) from None
    finally:
        database.close()
    sys.stdout.write(
        f'{given.email} signs in by the password alone; where the role requires two steps, they are set up again right then\n'
    )


if __name__ == '__main__':
    main()
