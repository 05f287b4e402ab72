"""The words a bureau's workbook uses: its column headers, its free statuses, and what is left out when names are compared."""

from collections.abc import Mapping

# Column → headers people write for it. Compared without quotes, dots and spaces, so `מס' רכב` is `מס רכב`.
# Names of claim fields are filled; the others are told apart in jobs/import_rows.py.
HEADERS: Mapping[str, tuple[str, ...]] = {
    'claim_no': ("מס' תביעה", 'מספר תביעה', "מס' תיק", 'מספר תיק', 'Claim no.'),
    'office': ('סוכנות', 'משרד', 'משרד סוכנות', 'משרד סוכן', 'שם הסוכנות', "Agents' office"),
    'agent': ('סוכן', 'שם הסוכן', 'סוכן מטפל', 'Agent'),
    'insured_name': ('שם המבוטח', 'מבוטח', 'שם מבוטח', 'שם הלקוח', 'Insured'),
    'insured_id_no': ('ת"ז', 'תעודת זהות', 'ת"ז / ח.פ.', 'ת"ז מבוטח', 'ID no.'),
    'insured_phone': ('טלפון נייד', 'נייד', 'טלפון', 'טלפון מבוטח', 'נייד מבוטח', 'Mobile'),
    'insured_email': ('דוא"ל', 'דואר אלקטרוני', 'אימייל', 'E-mail'),
    'insured_address': ('כתובת', 'כתובת מבוטח', 'Address'),
    'plate': ("מס' רכב", 'מספר רכב', 'מספר רישוי', "מס' רישוי", 'רכב', 'Vehicle no.'),
    'make_model': ('יצרן ודגם', 'דגם', 'יצרן / דגם', 'Make and model'),
    'model_year': ('שנת ייצור', 'שנתון', 'Model year'),
    'policy_no': ("מס' פוליסה", 'מספר פוליסה', 'פוליסה', 'Policy no.'),
    'own_insurer': ('חברת הביטוח של המבוטח', 'מבטח', 'Own insurer'),
    'event_date': ('תאריך האירוע', 'תאריך אירוע', 'תאריך תאונה', 'תאריך התאונה', 'Event date'),
    'circumstances': ('נסיבות', 'נסיבות האירוע', 'Circumstances'),
    'opened_at': ('תאריך פתיחה', 'נפתח בתאריך', 'Opened'),
    'submitted_at': ('תאריך הגשה', 'הוגש בתאריך', 'Submitted'),
    'status': ('סטטוס', 'סטטוס תביעה', 'סטטוס התביעה', 'Claim status'),
    'status_reason': ('סיבת הסטטוס', 'סיבת סטטוס', 'סיבה', 'Status reason'),
    'repair_stage': ('שלב תיקון', 'שלב התיקון', 'Repair stage'),
    'garage': ('מוסך', 'שם המוסך', 'Garage'),
    'eta': ('צפי מסירה', 'צפי סיום', 'Expected hand-over'),
    'appraiser': ('שמאי', 'שם השמאי', 'Appraiser'),
    'tp_insurer': ("חברת ביטוח צד ג'", "חברת הביטוח של צד ג'", 'חברת ביטוח צ"ג', "מבטח צד ג'", 'Insurer'),
    'insurer_claim_no': ("מס' תביעה במבטח", 'מספר תביעה במבטח', "מס' תביעה בחברת הביטוח", "Insurer's claim no."),
    'tp_policy_no': ("מס' פוליסה צד ג'", "פוליסה צד ג'"),
    'tp_policy_holder': ("בעל הפוליסה צד ג'", 'בעל הפוליסה צ"ג', "שם צד ג'", 'Policy holder'),
    'tp_phone': ("נייד צד ג'", "טלפון צד ג'", 'נייד צ"ג'),
    'tp_driver': ("נהג צד ג'", 'נהג צ"ג'),
    'tp_plate': ("רכב צד ג'", "מס' רכב צד ג'", 'רכב צ"ג'),
    'tp_agent': ("סוכן צד ג'", 'סוכן צ"ג'),
    'demand_amount': ('סכום דרישה', 'סכום הדרישה', 'Demanded'),
    'offered_amount': ('סכום הצעה', 'סכום שהוצע', 'Offered'),
    'approved_amount': ('סכום מאושר', 'סכום שאושר', 'Approved'),
    'received_amount': ('סכום שהתקבל', 'התקבל', 'Received'),
    'cheque_no': ("מס' המחאה", 'מספר המחאה', "מס' שיק"),
    'cheque_amount': ('סכום המחאה', 'סכום ההמחאה'),
    'cheque_due': ('מועד פרעון', 'מועד פירעון', 'תאריך פירעון'),
    'cheque_direction': ('כיוון ההמחאה', 'מי משלם למי'),
    'updated': ('עודכן בתאריך', 'תאריך עדכון', 'עודכן', 'Updated'),
    'remarks': ('הערות', 'הערה', 'Remarks'),
    'refused_because': ('סיבת הדחייה', 'Why it was refused'),
}
# Kept word for word in the claim's internal note.
NOTED = ('remarks',)

# A header row names at least the claim number and this many columns in all.
LEAST_COLUMNS = 2
TOTALS = ('סה"כ', 'סך הכל', 'סך הכול', 'סיכום', 'Total')

# Words that are no status of the product: the nearest one that claims no more than the word does.
FREE_STATUSES: Mapping[str, str] = {'פתוח': 'new', 'פתוחה': 'new', 'בטיפול': 'new', 'סגור': 'closed', 'סגורה': 'closed'}

# What an insurer's name means the same without.
INSURER_NOISE = ('חברה לביטוח', 'בע"מ')
# What two different offices may still differ by: such names are never taken for one another, only pointed out.
OFFICE_NOISE = ('סוכנות לביטוח', 'בע"מ')
