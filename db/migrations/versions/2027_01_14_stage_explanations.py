"""What each repair stage means, in a line for agents; the stages that came with the product get theirs, those an admin added stay without."""

import sqlalchemy as sa
from alembic import op

revision = 'stage_explanations'
down_revision = 'complete_files'
branch_labels = None
depends_on = None

NAMES = 'explanation', 'explanation_en'
EXPLANATIONS = (
    ('not_arrived', 'הרכב עדיין לא נכנס למוסך; העבודה תתחיל אחרי קבלתו.', 'The car is not at the garage yet; the work begins once it is.'),
    ('towing', 'הרכב בגרירה או בשינוע אל המוסך.', 'The car is being towed to the garage.'),
    ('vehicle_received', 'המוסך קיבל את הרכב; השלב הבא הוא בדיקת השמאי.', 'The garage has received the car; the appraiser inspects it next.'),
    ('appraiser_inspection', 'השמאי בודק את הרכב וקובע מה יתוקן ובאיזו עלות.', 'The appraiser inspects the car and says what is repaired and at what cost.'),
    ('awaiting_repair_approval', 'ממתינים לאישור התיקון; העבודה תתחיל כשיתקבל.', 'The repair waits for its approval; the work begins once it comes.'),
    ('parts_ordered', 'המוסך מזמין את החלקים הדרושים לתיקון.', 'The garage is ordering the parts the repair needs.'),
    ('awaiting_parts', 'המוסך הזמין חלקים; העבודה תתחדש כשיגיעו.', 'The garage has ordered parts; the work goes on when they arrive.'),
    ('disassembly', 'החלקים שנפגעו מפורקים, כדי לגלות גם נזק שאינו נראה מבחוץ.', 'The damaged parts are taken off, to find damage that cannot be seen from outside.'),
    ('bodywork', 'המוסך מתקן את המרכב.', 'The garage is repairing the body of the car.'),
    ('mechanical', 'המוסך מתקן את המכונאות ואת החשמל.', 'The garage is repairing the mechanics and the electrics.'),
    ('paint', 'הרכב בצביעה; אחריה יורכבו החלקים.', 'The car is being painted; its parts are put back afterwards.'),
    ('reassembly', 'החלקים מורכבים בחזרה על הרכב.', 'The parts are being put back on the car.'),
    ('wheel_alignment', 'המוסך מכוון את הגלגלים.', 'The garage is aligning the wheels.'),
    ('quality_control', 'המוסך בודק את התיקון לפני המסירה.', 'The garage is checking the repair before it hands the car over.'),
    ('appraiser_recheck', 'השמאי בודק את התיקון לפני המסירה.', 'The appraiser is checking the repair before the car is handed over.'),
    ('ready_for_pickup', 'התיקון הסתיים; אפשר לתאם עם המוסך את קבלת הרכב.', 'The repair is done; the car can be collected from the garage.'),
    ('delivered', 'הרכב נמסר; הטיפול בתביעה ממשיך בלשכה.', 'The car was handed over; the bureau goes on with the claim.'),
)  # fmt: skip


def upgrade() -> None:
    for name in NAMES:
        op.add_column('repair_stages', sa.Column(name, sa.String(), nullable=False, server_default=''))
    stages = sa.table('repair_stages', *map(sa.column, ('id', *NAMES)))
    for stage, explanation, explanation_en in EXPLANATIONS:
        told = {'explanation': explanation, 'explanation_en': explanation_en}
        op.execute(stages.update().where(stages.c.id == stage).values(told))


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_column('repair_stages', name)
