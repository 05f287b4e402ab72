/* The form of a cheque. What is typed lives here and nowhere else until the server says it is kept. */
import {setAside} from 'set_aside';

const TYPED = ['drawer', 'payee', 'chequeNo', 'bank', 'branch', 'account', 'amount', 'due', 'dueTyped', 'head', 'offer', 'image', 'note', 'reason'];
const BLANK = {...Object.fromEntries(TYPED.map((name) => [name, ''])), direction: 'insurer_to_insured', state: 'received', waiver: false};
const FIELD = (name, label, more = '') => `<label class="mk-fld"><span class="mk-lab">{{ words.${label} }}</span><span class="mk-inp mk-sm"><input v-model="draft.${name}" autocomplete="off" data-testid="cheque-f-${name}" ${more}></span></label>`;
const CHOICE = (name, label, list, none) => `<label class="mk-fld"><span class="mk-lab">{{ words.${label} }}</span><span class="mk-inp mk-sm"><select v-model="draft.${name}" data-testid="cheque-f-${name}">${none}<option v-for="one in choices.${list}" :key="one.id" :value="one.id">{{ one.label }}</option></select></span></label>`;

export default {
  components: {DayField: maakav.dayField},
  mixins: [setAside(['about'], (one, other) => one.about?.what === other.about?.what && one.about?.id === other.about?.id)],
  template: `
    <form v-if="about" :key="taken" class="mk-card mk-chqf" :aria-label="words[about.what]" :data-id="about.what + about.id" data-testid="cheque-form" @submit.prevent="save" @keydown.enter.ctrl.prevent="hurry" @keydown.esc="escape">
      <div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">payments</span><h2>{{ words[about.what] }}</h2></div>
      <div class="mk-bd mk-stack">
        <div class="mk-chqg">
          ${CHOICE('direction', 'direction', 'directions', '')}
          <template v-if="about.what !== 'edit'">${CHOICE('state', 'state', 'states', '')}</template>
          ${FIELD('amount', 'amount', 'ref="first" inputmode="decimal" maxlength="20" required')}
          <day-field v-model="draft.due" v-model:typed="draft.dueTyped" look="mk-lab" :label="words.due" required data-testid="cheque-f-due" @settled="look"></day-field>
          <label v-if="about.what === 'replace'" class="mk-fld"><span class="mk-lab">{{ words.why }}</span><span class="mk-inp mk-sm"><select v-model="draft.reason" required aria-invalid="false" data-testid="cheque-f-reason"><option value="" disabled>{{ words.choose }}</option><option v-for="one in choices.reasons" :key="one.id" :value="one.id">{{ one.label }}</option></select></span></label>
        </div>
        <p v-if="dayTold && dayTold.day === draft.due" class="mk-note" :class="{'mk-warn': dayTold.late || dayTold.closed}" role="status" data-testid="cheque-day"><span class="mk-ic" aria-hidden="true">{{ dayTold.closed ? 'event_busy' : 'schedule' }}</span><span>{{ [dayTold.days, dayTold.late, dayTold.closed].filter(Boolean).join(' · ') }}</span></p>
        <div class="mk-chqg">
          ${FIELD('chequeNo', 'no', 'inputmode="numeric" maxlength="14"')}
          ${FIELD('bank', 'bank', 'inputmode="numeric" maxlength="2" list="cheque-banks"')}
          ${FIELD('branch', 'branch', 'inputmode="numeric" maxlength="3"')}
          ${FIELD('account', 'account', 'inputmode="numeric" maxlength="12"')}
          <datalist id="cheque-banks"><option v-for="bank in choices.banks" :key="bank.id" :value="bank.id">{{ bank.label }}</option></datalist>
          ${FIELD('drawer', 'drawer', 'maxlength="120" dir="auto"')}
          ${FIELD('payee', 'payee', 'maxlength="120" dir="auto"')}
          ${CHOICE('head', 'head', 'heads', '<option value="">{{ words.none }}</option>')}
          <template v-if="choices.offers.length">${CHOICE('offer', 'offer', 'offers', '<option value="">{{ words.none }}</option>')}</template>
          <label class="mk-fld mk-wide"><span class="mk-lab">{{ words.note }}</span><span class="mk-inp mk-sm"><input v-model="draft.note" :maxlength="limit" dir="auto" data-testid="cheque-f-note"></span></label>
        </div>
        <label class="mk-tick"><input type="checkbox" class="mk-box" v-model="draft.waiver" data-testid="cheque-f-waiver"><span>{{ words.waiver }}</span></label>
        <div class="mk-row mk-wrapr"><label class="mk-btn mk-s mk-sm"><span class="mk-ic" aria-hidden="true">photo_camera</span><span>{{ words.addImage }}</span><input type="file" class="mk-vh" accept="image/*,application/pdf" data-testid="cheque-f-image" @change="photograph($event.target)"></label>
          <span v-if="picture" class="mk-note" :class="{'mk-e': !picture.underway}" role="status" data-testid="cheque-picture">{{ [picture.told, draft.image && !picture.underway && words.earlierStays].filter(Boolean).join(' ') }}</span><span v-else-if="draft.image" class="mk-note mk-ok"><span class="mk-ic" aria-hidden="true">check_circle</span>{{ words.sent }}</span></div>
        <p v-if="refused" class="mk-note mk-e" role="alert" data-testid="cheque-refused"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>
        <div class="mk-row"><span class="mk-sp"></span><button type="button" class="mk-btn mk-g mk-sm" data-testid="cheque-cancel" @click="cancel">{{ words.cancel }}</button>
          <button type="submit" class="mk-btn mk-p mk-sm" :disabled="busy || picture?.underway ? true : null" data-testid="cheque-save">{{ busy ? words.saving : words.save }}</button></div>
      </div></form>`,
  props: {opened: Object, choices: Object, answer: Object, told: Object, upload: String, keep: String, limits: Object, words: Object, limit: Number},
  emits: ['save', 'day'],
  data: () => ({about: null, dayTold: null, pictures: []}),
  computed: {
    /* What is to be said of the picture that was chosen in this form. */
    picture() { return this.pictures.find((one) => one.draft === this.draft); },
  },
  created() { this.recall(); },
  mounted() { this.look(this.draft.due); },
  watch: {
    'opened.turn'() {
      const {about, draft} = this.opened;
      if (!this.about) this.opener = document.activeElement;
      this.open({about, draft: {...BLANK, ...draft}});
      this.reach();
    },
    // what is to be known of its day is asked anew for each form
    taken() { this.look(this.draft.due); },
    told() { maakav.afterPress(() => { this.dayTold = this.told; }); },
    'answer.turn'() {
      const {message, id, seen} = this.answer, order = this.answered(this.answer);
      // what was typed on in this form since it was sent puts right what was kept; another new cheque is another one
      const goOn = (one) => { if (one.about.key === order.about.key) Object.assign(one, {about: {...one.about, what: 'edit', id, seen}, begun: order.sent}); };
      if (order && !message && this.done(order, goOn)) this.reach();
      this.remember();
    },
  },
  methods: {
    /* Who leaves the last form is where he opened it. */
    reach() { this.$nextTick(() => { this.$el.scrollIntoView?.({block: 'nearest'}); (this.$refs.first || this.opener)?.focus(); }); },
    cancel() {
      this.resume();
      this.reach();
    },
    /* Somebody looked at it again, which may have changed: what he did not touch is as it is now. */
    renew(one, {about, draft}) {
      if (one.about.seen === about.seen) return;
      const begun = JSON.parse(one.begun);
      const untouched = Object.entries(draft).filter(([name]) => one.draft[name] === begun[name]);
      Object.assign(one.draft, Object.fromEntries(untouched));
      Object.assign(one, {about: {...one.about, seen: about.seen}, begun: JSON.stringify(draft), refused: ''});
    },
    blank() { Object.assign(this, {about: null, draft: {}, begun: '{}', refused: ''}); },
    hurry: maakav.hurry,
    look(day) { if (day) this.$emit('day', day); },
    save() {
      if (this.busy || this.picture?.underway) return;
      this.send({...this.draft, ...this.about});
    },
    /* It belongs to the form it was chosen in, whichever is open when it has arrived. */
    async photograph(input) {
      const [file] = input.files;
      if (!file) return;
      const {draft} = this;
      const tell = (...said) => { this.pictures = [...this.pictures.filter((one) => one.draft !== draft), ...said]; };
      tell({draft, told: this.words.sending, underway: true});
      try {
        const why = maakav.whyNot(file, this.limits, this.words);
        if (why) throw new Error(why);
        const headers = {'X-Maakav-Upload': '1', 'X-File-Name': encodeURIComponent(file.name), 'X-Document-Type': 'cheque_image', 'X-Aside': '1'};
        const answer = await fetch(this.upload, {method: 'POST', body: file, headers});
        const told = await answer.json().catch(() => ({}));
        if (!answer.ok) throw new Error(told.error || this.words.failed);
        draft.image = told.uuid;
        tell();
      } catch (error) {
        tell({draft, told: error instanceof TypeError ? this.words.failed : error.message});
      } finally {
        input.value = '';
      }
    },
  },
};
