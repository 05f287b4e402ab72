/* The bureau's desk: lists with their counts, and lines one works off without leaving the page. J and K walk, Enter opens the claim, D is done, X was checked, M shows more. */
const PLATE = `<span v-if="line.plate" class="mk-plate mk-sm" dir="ltr" role="img" :aria-label="texts.plate + ' ' + line.plate"><i><svg viewBox="0 0 22 16" aria-hidden="true"><rect width="22" height="16" fill="#fff"/><rect y="1.6" width="22" height="2.4" fill="#0B3C9E"/><rect y="12" width="22" height="2.4" fill="#0B3C9E"/><path d="M11 4.9l2.7 4.6H8.3zM11 11.1L8.3 6.5h5.4z" fill="none" stroke="#0B3C9E" stroke-width=".9"/></svg>IL</i><b>{{ line.plate }}</b></span>`;
const MORE = `
  <div v-if="open === line.key || written(line)" v-show="open === line.key" class="mk-wkmore" data-testid="work-panel">
    <p v-if="line.explained" class="mk-t2 mk-sm" data-testid="work-explained"><span class="mk-ic mk-s16" aria-hidden="true">schedule</span> <span>{{ line.explained }}</span></p>
    <div v-if="line.task" class="mk-wkrow"><span class="mk-gh">{{ texts.postpone }}</span>
      <button type="button" v-for="way in ways" :key="way[0]" class="mk-pill" :data-testid="'postpone-' + way[0]" :disabled="busy ? true : null" @click="send(line, 'postpone', way[0])">{{ way[1] }}</button>
      <day-field v-model="days[line.key]" look="mk-vh" :label="texts.day" :min="today" data-testid="postpone-day"></day-field>
      <button type="button" class="mk-btn mk-s mk-sm" :disabled="busy || !days[line.key] ? true : null" data-testid="postpone-to" @click="send(line, 'postpone', days[line.key])">{{ texts.to }}</button></div>
    <div class="mk-wkrow"><span class="mk-gh">{{ texts.who }}</span>
      <button type="button" v-if="!line.mine" class="mk-pill" data-testid="work-take" :disabled="busy ? true : null" @click="send(line, 'give', me)"><span class="mk-ic mk-s16" aria-hidden="true">front_hand</span>{{ texts.take }}</button>
      <select class="mk-size" :aria-label="texts.give" data-testid="work-give" :value="line.whose" :disabled="busy ? true : null" @change="send(line, 'give', Number($event.target.value))"><option v-if="line.task || !line.whose" :value="0">{{ line.task ? texts.team : texts.nobody }}</option><option v-for="one in staff" :key="one[0]" :value="one[0]">{{ one[1] }}</option></select></div>
    <form class="mk-wkrow" @submit.prevent="write(line)"><label class="mk-inp mk-sm mk-grow"><span class="mk-vh">{{ texts.note }}</span><input v-model="notes[line.key]" :placeholder="texts.note" maxlength="1000" dir="auto" autocomplete="off" data-testid="work-note"></label>
      <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy || !written(line) ? true : null" data-testid="work-note-add">{{ texts.add }}</button></form>
  </div>`;

const DOUBLE = 500, NEAR = 8;
const has = (lines, key) => lines.some((line) => line.key === key);

export default {
  components: {DayField: maakav.dayField},
  template: `
    <div class="mk-contents">
      <div class="mk-ph"><h1>{{ texts.title }}</h1><span class="mk-live" data-testid="connection" role="status"><i></i><span>{{ texts.live }}</span></span></div>
      <div class="mk-page mk-work" @keydown="key" ref="all">
        <nav class="mk-wktiles" :aria-label="texts.lists"><a v-for="tile in tiles" :key="tile.name" class="mk-wktile" :class="{'mk-on': tile.on, 'mk-alarm': tile.alarm}" :href="tile.href" :aria-current="tile.on ? 'page' : null" :data-testid="'desk-' + tile.name" :data-count="tile.count"><b>{{ tile.count }}</b><span>{{ tile.label }}</span></a></nav>
        <div class="mk-wkwait"><nav class="mk-seg" :aria-label="texts.whose"><a v-for="side in sides" :key="side.name" :href="side.href" :class="{'mk-on': side.on}" :aria-current="side.on ? 'true' : null" :data-testid="'whose-' + side.name">{{ side.label }}</a></nav><span v-if="parties.length" class="mk-gh">{{ texts.waiting }}</span><a v-for="party in parties" :key="party.name" class="mk-pill" :class="{'mk-on': party.on}" :href="party.href" :data-testid="'waiting-' + party.name">{{ party.label }} <span class="mk-badge">{{ party.count }}</span></a></div>
        <section class="mk-card mk-wklist" @click.capture="once" :aria-label="heading" data-testid="work-list" :data-view="view"><div class="mk-hd"><h2>{{ heading }}</h2><span class="mk-sp"></span><p class="mk-t3 mk-sm mk-hide-sm">{{ texts.keys }}</p></div>
          <article v-for="line in rows" :key="line.key" class="mk-wkline" :class="{'mk-cur': current === line.key}" tabindex="-1" :data-line="line.key" :data-claim="line.claim_no" data-testid="work-line" @focusin="current = line.key">
            <div class="mk-wkgrid"><span class="mk-wkdue" :class="'mk-is-' + line.tone" data-testid="work-due">{{ line.due }}</span>
              <div class="mk-wkmain"><p class="mk-wkt"><a class="mk-rowlink" :href="line.href" dir="auto">{{ line.title }}</a></p>
                <p class="mk-ln2"><bdi class="mk-b">{{ line.name }}</bdi> · <bdi class="mk-num" dir="ltr">{{ line.claim_no }}</bdi> <span v-for="said in line.said" :key="said"> · {{ said }}</span></p></div>
              <span class="mk-wkplate">${PLATE}</span>
              <span class="mk-chip" :class="'mk-hue-' + line.chip.hue"><span class="mk-ic" aria-hidden="true">{{ line.chip.icon }}</span><span class="mk-ell">{{ line.chip.label }}</span></span>
              <span class="mk-wkwho mk-ell" :title="texts.who" data-testid="work-who">{{ line.who }}</span>
              <span class="mk-wkacts"><a v-if="line.tel" class="mk-ib" :href="line.tel" :aria-label="texts.call + ' ' + line.person" data-testid="work-call"><span class="mk-ic" aria-hidden="true">call</span></a>
                <button v-if="line.task" type="button" class="mk-btn mk-s mk-sm" :disabled="busy ? true : null" data-testid="work-done" @click="send(line, 'done', 0)"><span class="mk-ic" aria-hidden="true">check</span>{{ texts.done }}</button>
                <button v-else type="button" class="mk-btn mk-s mk-sm" :disabled="busy || line.checked ? true : null" data-testid="work-checked" :title="texts.checkedTitle" @click="send(line, 'checked', 0)"><span class="mk-ic" aria-hidden="true">task_alt</span>{{ line.checked ? texts.wasChecked : texts.checked }}</button>
                <button type="button" class="mk-ib" :aria-label="unsent(line) ? texts.unsent : texts.more" :title="unsent(line) ? texts.unsent : null" :aria-expanded="String(open === line.key)" data-testid="work-more" @click="toggle(line)"><span class="mk-ic" aria-hidden="true">{{ unsent(line) ? 'edit_note' : 'more_horiz' }}</span></button></span></div>${MORE}</article>
          <div v-if="!rows.length" class="mk-empty" role="status" data-testid="work-empty"><span class="mk-ic mk-s24" aria-hidden="true">done_all</span><h2>{{ nothing }}</h2></div>
          <nav v-if="pages.length" class="mk-bd mk-row" :aria-label="texts.pages"><a v-for="page in pages" :key="page.name" class="mk-btn mk-soft" :href="page.href" :data-testid="'page-' + page.name">{{ page.label }}</a></nav></section>
      </div>
    </div>`,
  props: {
    view: String, heading: String, nothing: String, sides: Array, tiles: Array, parties: Array, lines: Array, pages: Array, staff: Array, ways: Array, me: Number, today: String, answer: Object, texts: Object,
  },
  emits: ['act'],
  // every line has its own note and day; those on which one is written and that left meanwhile stand aside, with their place
  data: () => ({current: '', open: '', notes: {}, days: {}, aside: [], busy: false}),
  computed: {
    rows() {
      const rows = [...this.lines];
      for (const {line, place} of this.aside) if (!has(rows, line.key)) rows.splice(place, 0, line);
      return rows;
    },
  },
  created() { Object.assign(this, {sent: {}, orders: {}, number: 0, clicked: null}); },
  mounted() {
    this.press = (event) => { if (event.target === document.body) this.key(event); };
    addEventListener('keydown', this.press);
  },
  unmounted() { this.waiting?.(); removeEventListener('keydown', this.press); },
  watch: {
    // what was ordered is done, or refused: then what was typed stays
    'answer.turn'() {
      const {message, act, key, number} = this.answer, order = this.orders[number];
      delete this.orders[number];
      // it may come so late that another order is on its way
      if (number === this.number) { this.waiting?.(); this.busy = false; }
      if (message) { maakav.say(message, true); return; }
      if (act === 'note') this.noted(key, order?.value);
      if (act === 'postpone') delete this.days[key];
    },
    // a line that was worked off leaves the place to the one after it
    lines(now, before) {
      // somebody else worked it off while a note is being written on it: it stays until the note is kept or taken back
      const left = before.map((line, place) => ({line, place})).filter(({line}) => this.written(line) && !has(now, line.key));
      this.aside = [...this.aside.filter(({line}) => !has(now, line.key)), ...left];
      if (this.aside.some(({line}) => line.key === this.current)) return;
      this.follow(now, before);
    },
  },
  methods: {
    follow(now, before) {
      if (now.some((line) => line.key === this.current)) return;
      const place = before.findIndex((line) => line.key === this.current);
      // a button that was switched off while one waited has lost the focus already
      const held = place >= 0 && (document.activeElement === document.body || this.$refs.all.contains(document.activeElement));
      this.current = place >= 0 && now.length ? now[Math.min(place, now.length - 1)].key : '';
      if (held && this.current) this.$nextTick(() => this.focus());
    },
    toggle(line) {
      this.open = this.open === line.key ? '' : line.key;
      this.tidy();
    },
    written(line) { return Boolean(this.notes[line.key]?.trim()); },
    unsent(line) { return this.open !== line.key && this.written(line); },
    tidy() { this.aside = this.aside.filter(({line}) => this.written(line) || line.key === this.open); },
    send(line, act, value, once) {
      if (this.busy) return;
      this.busy = true;
      this.number += 1;
      this.orders[this.number] = {value};
      this.waiting = maakav.whenLate(() => {
        this.busy = false;
        maakav.say(this.texts.late, true);
      });
      this.$emit('act', {key: line.key, act, value, seen: line.whose, once, number: this.number});
    },
    /* The second half of a double click would fall on the line that has moved up. */
    once(event) {
      if (!event.detail || !event.target.closest('button, a')) return;
      const {clientX: x, clientY: y, timeStamp: at} = event, before = this.clicked;
      this.clicked = {x, y, at};
      if (!before || at - before.at >= DOUBLE || Math.hypot(x - before.x, y - before.y) > NEAR) return;
      event.preventDefault();
      event.stopPropagation();
    },
    write(line) {
      const note = this.notes[line.key];
      if (this.busy || !this.written(line)) return;
      // the same once more, because no answer came, is known by its key
      this.sent[line.key] = maakav.keyed(note, this.sent[line.key]);
      this.send(line, 'note', note, this.sent[line.key].key);
    },
    /* What was typed on since then is another note. */
    noted(key, note) {
      this.notes[key] = maakav.behind(this.notes[key] || '', note || '');
      if (!this.notes[key]) delete this.notes[key];
      if (this.sent[key]?.text === note) delete this.sent[key];
      const before = this.rows;
      this.aside = this.aside.filter(({line}) => this.written(line));
      this.follow(this.rows, before);
    },
    focus() { const row = this.$refs.all.querySelector('[data-line="' + this.current + '"]'); if (row) row.focus(); },
    key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || !this.rows.length) return;
      const place = this.rows.findIndex((line) => line.key === this.current);
      const line = this.rows[place];
      const on = {KeyJ: 1, KeyK: -1}[event.code];
      // a key that is held walks, it orders nothing
      if (event.repeat && !on) return;
      if (on) { this.current = this.rows[Math.max(0, Math.min(this.rows.length - 1, place + on))].key; this.$nextTick(this.focus); }
      else if (!line) return;
      else if (event.code === 'KeyD' && line.task) this.send(line, 'done', 0);
      else if (event.code === 'KeyX' && !line.checked) this.send(line, 'checked', 0);
      else if (event.code === 'KeyM') this.toggle(line);
      else if (event.code === 'Enter' && event.target.tagName === 'ARTICLE') location.href = line.href;
      else return;
      event.preventDefault();
    },
  },
};
