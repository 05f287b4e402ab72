/* The form of a cheque. What is typed lives here and nowhere else until the server says it is kept. */
const ANSWER_WITHIN = 20000;
const FIELD = (name, label, more = '') => `<label class="mk-fld"><span class="mk-lab">{{ words.${label} }}</span><span class="mk-inp mk-sm"><input v-model="draft.${name}" autocomplete="off" data-testid="cheque-f-${name}" ${more}></span></label>`;
const CHOICE = (name, label, list, none) => `<label class="mk-fld"><span class="mk-lab">{{ words.${label} }}</span><span class="mk-inp mk-sm"><select v-model="draft.${name}" data-testid="cheque-f-${name}">${none}<option v-for="one in choices.${list}" :key="one.id" :value="one.id">{{ one.label }}</option></select></span></label>`;

export default {
  components: {DayField: maakav.dayField},
  template: `
    <form v-if="opened" class="mk-card mk-chqf" :aria-label="opened.title" data-testid="cheque-form" @submit.prevent="save" @keydown.enter.ctrl.prevent="hurry" @input="isTyped = true" @keydown.esc="isTyped || $emit('close')">
      <div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">payments</span><h2>{{ opened.title }}</h2></div>
      <div class="mk-bd mk-stack">
        <div class="mk-chqg">
          ${CHOICE('direction', 'direction', 'directions', '')}
          <template v-if="opened.what !== 'edit'">${CHOICE('state', 'state', 'states', '')}</template>
          ${FIELD('amount', 'amount', 'ref="first" inputmode="decimal" maxlength="20" required')}
          <day-field :key="opened.turn" v-model="draft.due" look="mk-lab" :label="words.due" required data-testid="cheque-f-due" @settled="look"></day-field>
          <label v-if="opened.what === 'replace'" class="mk-fld"><span class="mk-lab">{{ words.why }}</span><span class="mk-inp mk-sm"><select v-model="draft.reason" required data-testid="cheque-f-reason"><option value="" disabled>{{ words.choose }}</option><option v-for="one in choices.reasons" :key="one.id" :value="one.id">{{ one.label }}</option></select></span></label>
        </div>
        <p v-if="about && draft.due" class="mk-note" :class="{'mk-warn': about.late || about.closed}" role="status" data-testid="cheque-day"><span class="mk-ic" aria-hidden="true">{{ about.closed ? 'event_busy' : 'schedule' }}</span><span>{{ [about.days, about.late, about.closed].filter(Boolean).join(' · ') }}</span></p>
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
        <div class="mk-row mk-wrapr"><label class="mk-btn mk-s mk-sm"><span class="mk-ic" aria-hidden="true">photo_camera</span><span>{{ words.addImage }}</span><input type="file" class="mk-vh" accept="image/*,application/pdf" data-testid="cheque-f-image" @change="send($event.target)"></label>
          <span v-if="draft.image && !sending" class="mk-note mk-ok"><span class="mk-ic" aria-hidden="true">check_circle</span>{{ words.sent }}</span><span v-if="sending" class="mk-note" role="status">{{ sending }}</span></div>
        <p v-if="refused" class="mk-note mk-e" role="alert" data-testid="cheque-refused"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>
        <div class="mk-row"><span class="mk-sp"></span><button type="button" class="mk-btn mk-g mk-sm" @click="$emit('close')">{{ words.cancel }}</button>
          <button type="submit" class="mk-btn mk-p mk-sm" :disabled="busy ? true : null" data-testid="cheque-save">{{ busy ? words.saving : words.save }}</button></div>
      </div></form>`,
  props: {opened: Object, choices: Object, answer: Object, told: Object, upload: String, words: Object, limit: Number},
  emits: ['save', 'day', 'close'],
  data: () => ({draft: {}, about: null, isTyped: false, busy: false, refused: '', sending: ''}),
  created() { if (this.opened) this.draft = this.fresh(); },
  watch: {
    'opened.turn'(now) {
      if (!now) return;
      this.draft = this.fresh();
      this.isTyped = false;
      this.busy = false;
      this.refused = '';
      this.sending = '';
      this.$nextTick(() => { this.$el.scrollIntoView({block: 'nearest'}); this.$refs.first?.focus(); });
    },
    told() { maakav.afterPress(() => { this.about = this.told; }); },
    'answer.turn'() {
      clearTimeout(this.waiting);
      this.busy = false;
      this.refused = this.answer.message;
    },
  },
  unmounted() { clearTimeout(this.waiting); },
  methods: {
    fresh() {
      const empty = Object.fromEntries(['drawer', 'payee', 'chequeNo', 'bank', 'branch', 'account', 'amount', 'due', 'head', 'offer', 'image', 'note', 'reason'].map((name) => [name, '']));
      return {...empty, direction: 'insurer_to_insured', state: 'received', waiver: false, ...this.opened.draft};
    },
    hurry: maakav.hurry,
    look(day) { if (day) this.$emit('day', day); },
    save() {
      if (this.busy) return;
      this.busy = true;
      this.refused = '';
      this.$emit('save', {...this.draft});
      this.waiting = setTimeout(() => { this.busy = false; this.refused = this.words.late; }, ANSWER_WITHIN);
    },
    async send(input) {
      const [file] = input.files;
      if (!file) return;
      this.sending = this.words.sending;
      try {
        const headers = {'X-Maakav-Upload': '1', 'X-File-Name': encodeURIComponent(file.name), 'X-Document-Type': 'cheque_image'};
        const answer = await fetch(this.upload, {method: 'POST', body: file, headers});
        const told = await answer.json().catch(() => ({}));
        if (!answer.ok) throw new Error(told.error || this.words.failed);
        this.draft.image = told.uuid;
        this.sending = '';
      } catch (error) {
        this.sending = error instanceof TypeError ? this.words.failed : error.message;
      } finally {
        input.value = '';
      }
    },
  },
};
