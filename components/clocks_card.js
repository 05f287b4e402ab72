/* The clocks of a claim. Closed, each is a line with its state; open, it explains itself. */
export default {
  components: {DayField: maakav.dayField},
  mixins: [maakav.ordering],
  template: `
    <section v-if="clocks.length" class="mk-card mk-clocks" :aria-label="words.title" data-testid="clocks"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">timer</span><h2>{{ words.title }}</h2></div>
      <details v-for="clock in shown" :key="clock.id" data-testid="clock" :data-clock="clock.id"><summary><span class="mk-grow">{{ clock.label }}</span><span class="mk-chip mk-tiny" :class="'mk-hue-' + clock.hue">{{ clock.state }}</span></summary>
        <div class="mk-clk"><p v-for="line in clock.lines" :key="line" :class="{'mk-b': !clock.started}" data-testid="clock-line" dir="auto">{{ line }}</p>
          <p class="mk-t2">{{ clock.rule }}</p><p v-if="clock.source" class="mk-xs mk-t3">{{ clock.source }}</p>
          <div v-if="editing !== clock.id" class="mk-aacts"><a v-if="clock.proof" class="mk-btn mk-s mk-sm" :href="clock.proof" target="_blank" rel="noopener" data-testid="clock-proof"><span class="mk-ic" aria-hidden="true">print</span>{{ words.proof }}</a>
            <button v-if="staff && clock.days.length" type="button" class="mk-btn mk-g mk-sm" data-testid="clock-set" @click="begin(clock)"><span class="mk-ic" aria-hidden="true">edit</span>{{ words.set }}</button></div>
          <form v-else class="mk-clkf" :data-id="about" @submit.prevent="save">
            <label v-if="clock.days.length > 1" class="mk-fld"><span>{{ words.what }}</span><span class="mk-inp mk-sm"><select v-model="about" @change="choose(clock)"><option v-for="one in clock.days" :key="one.about" :value="one.about">{{ one.label }}</option></select></span></label><p v-else class="mk-b">{{ clock.days[0].label }}</p>
            <day-field :key="about" v-model="draft.day" v-model:typed="draft.typed" :label="words.day" data-testid="clock-day"></day-field>
            <label class="mk-fld"><span>{{ words.reason }}</span><span class="mk-inp mk-sm"><input v-model="draft.reason" maxlength="300" dir="auto" data-testid="clock-reason"></span></label>
            <p v-if="draft.refused" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ draft.refused }}</span></p>
            <div class="mk-aacts"><button type="submit" class="mk-btn mk-p mk-sm" :disabled="busy ? true : null" data-testid="clock-save">{{ words.save }}</button><button type="button" class="mk-btn mk-g mk-sm" data-testid="clock-cancel" @click="discard">{{ words.cancel }}</button></div>
          </form></div>
      </details><button v-if="waiting && !all" type="button" class="mk-clmore" data-testid="clocks-more" @click="all = true"><span class="mk-grow">{{ waiting }}</span><span class="mk-ic" aria-hidden="true">expand_more</span></button><p class="mk-clkn mk-t3">{{ words.prima }}</p></section>`,
  props: {clocks: Array, waiting: String, staff: Boolean, answer: Object, words: Object},
  emits: ['set'],
  // what is typed about each day stays with it until it is kept or thrown away
  data: () => ({editing: '', about: '', drafts: {}, all: false}),
  computed: {draft() { return this.drafts[this.about]; }, shown() { return this.clocks.filter((clock) => this.all || clock.started || clock.id === this.editing); }},
  watch: {
    'answer.turn'() {
      const order = this.answered(this.answer);
      if (!order) return;
      const {about, draft, day, reason} = order, here = this.drafts[about] === draft;
      if (this.answer.message) {
        if (here) draft.refused = this.answer.message;
        else maakav.say(this.answer.message, true);
      } else if (here && !draft.typed && draft.day === day && draft.reason === reason) {
        delete this.drafts[about];
        if (this.about === about) this.editing = '';
      } else if (here) this.$nextTick(() => this.clocks.filter((clock) => clock.id === this.editing).forEach(this.choose));
    },
  },
  methods: {
    begin(clock) {
      this.editing = clock.id;
      this.about = (clock.days.find((day) => this.drafts[day.about]) || clock.days[0]).about;
      this.choose(clock);
    },
    /* What was typed stays, beside what the clock says now. */
    choose(clock) {
      const now = clock.days.find((one) => one.about === this.about);
      const begun = {day: now.day, reason: now.reason}, draft = this.drafts[this.about];
      if (!draft) this.drafts[this.about] = {...begun, typed: '', seen: now.seen, begun, refused: ''};
      else if (draft.seen !== now.seen) {
        if (!draft.typed && draft.day === draft.begun.day) draft.day = now.day;
        if (draft.reason === draft.begun.reason) draft.reason = now.reason;
        Object.assign(draft, {seen: now.seen, begun, refused: ''});
      }
    },
    discard() {
      delete this.drafts[this.about];
      this.editing = '';
    },
    save() {
      if (this.busy) return;
      const {about, draft} = this, {seen, day, reason} = draft;
      this.$emit('set', {about, seen, day, reason, number: this.numbered({about, draft, day, reason})});
    },
  },
};
