/* The call log of a claim: a form that is filled without the mouse, the calls by day, what was tried in vain and what is due.
   What is being typed lives here and nowhere else until the server says it is kept. */
import {setAside} from 'set_aside';

const BLANK = {person: '', phone: '', direction: 'outbound', minutes: '', outcome: 'spoke', summary: '', followUp: '', followUpTyped: '', day: '', dayTyped: '', time: '', internal: false};
const CHOICE = (name, list, keys) => `
  <div :class="'mk-seg mk-seg-${name}'" role="radiogroup" :aria-label="words.${name}" ref="${name}" data-testid="call-${name}">
    <button v-for="(option, place) in ${list}" :key="option.id" type="button" role="radio" :aria-checked="String(draft.${name} === option.id)" :tabindex="draft.${name} === option.id ? 0 : -1"
      :class="{'mk-on': draft.${name} === option.id}" :data-testid="'call-${name}-' + option.id" @click="choose('${name}', option.id)" @keydown="chosen('${name}', ${list}, ${keys}, $event)"><span v-if="option.icon" class="mk-ic mk-s16" aria-hidden="true">{{ option.icon }}</span><span class="mk-ell" :title="option.label">{{ option.label }}</span><kbd v-if="${keys}" class="mk-key" aria-hidden="true">{{ place + 1 }}</kbd></button></div>`;
const FORM = `
  <form v-if="form" :key="taken" :data-id="correcting || null" class="mk-card mk-callf" :class="{'mk-inner': draft.internal}" data-testid="call-form" :aria-label="correcting ? words.correctTitle : form.title" @submit.prevent="save" @keydown.enter.ctrl.prevent="hurry" @keydown.esc="escape">
    <button type="button" class="mk-hd mk-fold" :aria-expanded="String(unfolded)" @click="fold" data-testid="call-open"><span class="mk-ic" aria-hidden="true">add_call</span><h2>{{ correcting ? words.correctTitle : form.title }}</h2><span class="mk-sp"></span><kbd class="mk-kbd mk-hide-xs" aria-hidden="true">C</kbd><span class="mk-ic mk-chev" aria-hidden="true">expand_more</span></button>
    <div class="mk-bd" :class="{'mk-folded': !unfolded}">
      <template v-if="form.parties.length > 1">${CHOICE('party', 'form.parties', 'true')}</template>
      <div class="mk-two"><label class="mk-inp mk-sm"><span class="mk-ic mk-s18" aria-hidden="true">person</span><span class="mk-vh">{{ words.person }}</span><input v-model="draft.person" maxlength="120" :dir="draft.person ? 'auto' : null" autocomplete="off" :placeholder="words.person" data-testid="call-person"></label>
        <label class="mk-inp mk-sm"><span class="mk-ic mk-s18" aria-hidden="true">call</span><span class="mk-vh">{{ words.phone }}</span><input v-model="draft.phone" type="tel" maxlength="40" autocomplete="off" :placeholder="words.phone" data-testid="call-phone"></label></div>
      <div class="mk-two mk-wide-first">${CHOICE('direction', 'form.directions', 'false')}
        <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.minutes }}</span><input v-model="draft.minutes" inputmode="numeric" maxlength="3" autocomplete="off" data-testid="call-minutes"><span class="mk-t3 mk-sm" aria-hidden="true">{{ words.minutesShort }}</span></label></div>
      ${CHOICE('outcome', 'form.outcomes', 'true')}
      <div class="mk-compose"><label class="mk-vh" :for="id('summary')">{{ words.summary }}</label><textarea :id="id('summary')" v-model="draft.summary" ref="summary" rows="3" maxlength="4000" :dir="draft.summary ? 'auto' : null" :placeholder="words.summaryHint" :aria-describedby="refused ? id('refused') : null" data-testid="call-summary"></textarea></div>
      <div class="mk-row mk-quick"><day-field :key="asked" v-model="draft.followUp" v-model:typed="draft.followUpTyped" look="mk-sm" :label="words.followUp" :min="draft.day || form.today" data-testid="call-follow-up"></day-field>
        <button v-for="day in form.days" :key="day.day" type="button" class="mk-btn mk-soft mk-sm" :data-testid="'call-follow-' + day.days" @click="ask(day.day)">{{ day.label }}</button></div>
      <div class="mk-row mk-quick"><template v-if="draft.day || draft.dayTyped || draft.time || earlier"><day-field :key="correcting" v-model="draft.day" v-model:typed="draft.dayTyped" look="mk-vh" :label="words.day" :max="form.today" :required="Boolean(draft.time)" data-testid="call-day"></day-field>
          <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.time }}</span><input v-model="draft.time" type="time" :required="Boolean(draft.day)" :aria-describedby="untimed ? id('untimed') : null" data-testid="call-time" @input="untimed = false" @invalid.prevent="untimed = true; $event.target.focus()"></label><p v-if="untimed" :id="id('untimed')" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ words.timeMissing }}</span></p></template>
        <button v-else type="button" class="mk-btn mk-g mk-sm" data-testid="call-earlier" data-opens @click="earlier = true"><span class="mk-ic mk-s16" aria-hidden="true">schedule</span><span>{{ words.earlier }}</span></button>
        <span class="mk-sp"></span><label v-if="form.internal" class="mk-tick mk-sm" :title="words.internal"><input type="checkbox" class="mk-box" v-model="draft.internal" data-testid="call-internal" :aria-label="words.internal"><span class="mk-row"><span class="mk-ic mk-s16" aria-hidden="true">lock</span>{{ words.isInternal }}</span></label></div>
      <p v-if="refused" :id="id('refused')" class="mk-note mk-e" role="alert" data-testid="call-refused"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused }}</span></p>
      <div class="mk-row"><span class="mk-xs mk-t3 mk-hide-xs">{{ words.keys }}</span><span class="mk-sp"></span>
        <button v-if="correcting || aside.length" type="button" class="mk-btn mk-g mk-sm" data-testid="call-cancel" @click="cancel">{{ words.cancel }}</button>
        <button type="submit" class="mk-btn mk-p mk-sm" :disabled="busy ? true : null" data-testid="call-save">{{ busy ? words.saving : words.save }}</button></div>
    </div></form>`;
const CALL = `
  <article v-for="call in day.calls" :key="call.id" class="mk-call" :class="{'mk-inner': call.internal, 'mk-void': call.corrected}" data-testid="call" :data-party="call.party" :data-call="call.id" :data-internal="String(call.internal)" :data-corrected="String(call.corrected)">
    <span class="mk-icb mk-round" :class="'mk-hue-' + call.hue" aria-hidden="true"><span class="mk-ic">{{ call.icon }}</span></span>
    <div class="mk-body"><div class="mk-h"><span v-if="call.fresh" class="mk-udot" role="img" :aria-label="words.fresh"></span><b dir="auto">{{ call.person || call.partyLabel }}</b><span class="mk-chip mk-tiny" :class="'mk-hue-' + call.partyHue">{{ call.partyLabel }}</span><span class="mk-t3 mk-sm">{{ call.how }}</span>
        <a v-if="call.tel" class="mk-sm" :href="call.tel"><bdi class="mk-num" dir="ltr">{{ call.phone }}</bdi></a>
        <span v-if="call.internal" class="mk-chip mk-tiny mk-hue-amber"><span class="mk-ic" aria-hidden="true">lock</span>{{ words.isInternal }}</span>
        <span v-if="call.corrected" class="mk-chip mk-tiny mk-hue-slate">{{ words.wasCorrected }}</span><span v-if="call.corrects" class="mk-chip mk-tiny mk-hue-blue">{{ words.isCorrection }}</span></div>
      <component :is="call.corrected ? 's' : 'p'" v-if="call.summary" class="mk-said" dir="auto">{{ call.summary }}</component>
      <span v-if="call.followUp" class="mk-task" :class="{'mk-due': call.followUp.due}"><span class="mk-ic mk-s16" :class="{'mk-f': call.followUp.done}" aria-hidden="true">{{ call.followUp.done ? 'check_circle' : 'radio_button_unchecked' }}</span><span>{{ call.followUp.text }}</span></span></div>
    <div class="mk-end"><span class="mk-row"><time class="mk-num" dir="ltr" :datetime="call.at" :title="call.exact">{{ call.time }}</time>
      <button v-if="call.mine && !call.corrected" type="button" class="mk-minia" :aria-label="words.correct + ': ' + (call.person || call.partyLabel) + ', ' + call.time" :title="words.correct" data-testid="call-correct" @click="correct(call)"><span class="mk-ic mk-s16" aria-hidden="true">edit</span></button></span><span v-if="call.length">{{ call.length }}</span><span dir="auto">{{ call.by }}</span></div>
  </article>`;

export default {
  components: {DayField: maakav.dayField},
  mixins: [setAside(['correcting', 'earlier', 'untimed'], (one, other) => one.correcting === other.correcting)],
  template: `
    <div class="mk-calls">
      ${FORM}
      <section class="mk-card mk-calll" :aria-label="words.log">
        <div class="mk-callbar"><div class="mk-seg mk-scrollx" role="group" :aria-label="words.filter"><button v-for="chip in chips" :key="chip.id" type="button" :class="{'mk-on': chip.id === only}" :aria-pressed="String(chip.id === only)" :data-testid="'calls-' + (chip.id || 'all')" @click="only = chip.id">{{ chip.label }} <span class="mk-t3">{{ chip.count }}</span></button></div>
          <span class="mk-sp"></span><label class="mk-sbox"><span class="mk-ic" aria-hidden="true">search</span><input type="search" v-model="typed" :placeholder="words.search" :aria-label="words.search" data-testid="call-search"></label></div>
        <p v-for="line in warned" :key="line.party" class="mk-tried" role="note" data-testid="call-attempts" :data-party="line.party"><span class="mk-ic" aria-hidden="true">call_missed</span><span><b>{{ line.party_label }}</b> · {{ line.text }}</span></p>
        <template v-for="day in days" :key="day.title"><h3 class="mk-dayh">{{ day.title }}</h3>${CALL}</template>
        <div v-if="!days.length" class="mk-empty"><p>{{ calls.length ? words.noneFound : words.none }}</p></div>
      </section>
      <div class="mk-stack mk-callm">
        <section class="mk-card mk-bd2" :aria-label="words.inShort"><h2 class="mk-b">{{ words.inShort }}</h2><dl class="mk-figures"><div v-for="figure in figures" :key="figure.label"><dd>{{ figure.value }}</dd><dt>{{ figure.label }}</dt></div></dl></section>
        <section v-if="due.length" class="mk-card mk-bd2" :aria-label="words.dueTitle" data-testid="calls-due"><h2 class="mk-b">{{ words.dueTitle }}</h2><ul class="mk-dues"><li v-for="call in due" :key="call.id"><span class="mk-ic mk-t3" aria-hidden="true">radio_button_unchecked</span><span><span>{{ call.person || call.partyLabel }} · {{ call.partyLabel }}</span><span class="mk-sm" :class="call.followUp.due ? 'mk-late' : 'mk-t3'">{{ call.followUp.text }} · {{ call.by }}</span></span></li></ul></section>
      </div>
      <span class="mk-vh" role="status" aria-live="polite">{{ spoken }}</span>
    </div>`,
  props: {calls: Array, chips: Array, attempts: Array, figures: Array, form: Object, answer: Object, keep: String, words: Object},
  emits: ['save'],
  data: () => ({only: '', typed: '', correcting: 0, asked: 0, unfolded: false, earlier: false, untimed: false, spoken: ''}),
  computed: {
    shown() {
      const words = this.typed.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
      return this.calls.filter((call) => (!this.only || call.party === this.only) && words.every((word) => call.text.includes(word)));
    },
    days() {
      const days = [];
      for (const call of this.shown) {
        if (!days.length || days.at(-1).title !== call.day) days.push({title: call.day, calls: []});
        days.at(-1).calls.push(call);
      }
      return days;
    },
    due() { return this.calls.filter((call) => call.followUp && !call.followUp.done && !call.corrected); },
    warned() { return this.attempts.filter((line) => !this.only || line.party === this.only); },
  },
  watch: {
    'answer.turn'() {
      const order = this.answered(this.answer);
      if (order && !this.answer.message) this.kept(order, this.answer.said);
      else if (this.refused) this.$refs.summary?.focus();
      this.remember();
    },
    calls() { if (this.only && !this.chips.some((chip) => chip.id === this.only)) this.only = ''; },
  },
  created() {
    if (!this.form) return;
    this.fresh(this.form.parties[0].id);
    this.recall();
  },
  mounted() {
    this.settle();
    addEventListener('maakav:log-call', this.heed);
    this.heed();
  },
  unmounted() { removeEventListener('maakav:log-call', this.heed); },
  methods: {
    id(name) { return `call-${name}`; },
    /* Somebody pressed the key, maybe before this part was drawn: start where the hands are needed first. */
    heed() {
      if (!this.form || !maakav.callWanted) return;
      maakav.callWanted = false;
      this.unfolded = true;
      const until = Date.now() + 3000;
      const start = () => {
        if (this.$el.offsetParent) this.begin();
        else if (Date.now() < until) requestAnimationFrame(start);
      };
      this.$nextTick(start);
    },
    settle() { this.unfolded = this.touched(this) || matchMedia('(min-width: 600px)').matches; },
    fold() { if (matchMedia('(min-width: 600px)').matches) this.begin(); else this.unfolded = !this.unfolded; },
    begin() { this.focusChosen(this.form.parties.length > 1 ? 'party' : 'outcome'); },
    focusChosen(group) { this.$nextTick(() => this.$refs[group]?.querySelector('[aria-checked=true]')?.focus()); },
    contact(party) { return this.form.parties.find((option) => option.id === party) || {person: '', phone: ''}; },
    fresh(party) {
      const {person, phone} = this.contact(party);
      this.draft = {...BLANK, party, person, phone};
      this.begun = JSON.stringify(this.draft);
      this.correcting = 0;
      this.refused = '';
      this.earlier = false;
      this.untimed = false;
    },
    choose(group, value) {
      if (group === 'party') this.meet(value);
      this.draft[group] = value;
      this.refused = '';
    },
    /* Somebody else's name and number give way to the new party's; what was typed by hand stays. */
    meet(party) {
      const before = this.contact(this.draft.party);
      const after = this.contact(party);
      for (const name of ['person', 'phone']) if (this.draft[name] === before[name] || !this.draft[name]) this.draft[name] = after[name];
    },
    chosen(group, options, keys, event) {
      const place = options.findIndex((option) => option.id === this.draft[group]);
      const rtl = getComputedStyle(this.$el).direction === 'rtl';
      const step = {ArrowDown: 1, ArrowUp: -1, ArrowLeft: rtl ? 1 : -1, ArrowRight: rtl ? -1 : 1}[event.key];
      if (step) {
        event.preventDefault();
        this.choose(group, options[(place + step + options.length) % options.length].id);
        this.focusChosen(group);
      }
      const picked = keys && /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && options[Number(event.key) - 1];
      if (!picked) return;
      event.preventDefault();
      this.choose(group, picked.id);
      if (group === 'party') this.focusChosen('outcome'); else this.$nextTick(() => this.$refs.summary.focus());
    },
    correct(call) {
      this.open({draft: {...BLANK, ...call.draft}, correcting: call.id, earlier: false, untimed: false});
      this.unfolded = true;
      this.$nextTick(() => { this.$refs.summary.focus(); this.$refs.summary.scrollIntoView({block: 'center'}); });
    },
    /* The form of a new call is always there, so it waits though nothing is written in it. */
    stays() { return !this.correcting || this.touched(this); },
    blank() { this.fresh(this.draft.party); },
    cancel() {
      if (!this.correcting && !this.aside.length) return;
      const left = this.correcting;
      this.resume();
      this.$nextTick(() => (!this.correcting && this.$el.querySelector(`[data-call="${left}"] [data-testid=call-correct]`) || this.$refs.summary).focus());
    },
    kept(order, said) {
      this.spoken = said;
      this.last = null;  // what is saved is saved: the very same words again are another call
      const wasHere = this.done(order, (one) => {
        if (!one.correcting) return;
        // it corrects nothing any more
        Object.assign(one.draft, {day: '', dayTyped: '', time: ''});
        Object.assign(one, {correcting: 0, begun: ''});
      });
      if (!wasHere) return;
      this.settle();
      if (this.unfolded && this.$el.contains(document.activeElement)) this.begin();
    },
    /* A day somebody chose stands in place of whatever he typed: the field begins anew. */
    ask(day) { Object.assign(this.draft, {followUp: day, followUpTyped: ''}); this.asked += 1; },
    hurry: maakav.hurry,
    save() {
      if (this.busy) return;
      this.untimed = false;
      this.last = maakav.keyed(`${this.correcting} ${JSON.stringify(this.draft)}`, this.last);
      const {day, time, ...draft} = this.draft;
      this.send({...draft, at: day && `${day}T${time}`, corrects: this.correcting, key: this.last.key}, true);
    },
  },
};
