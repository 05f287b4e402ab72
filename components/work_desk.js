/* The bureau's desk: lists with their counts, and lines one works off without leaving the page. J and K walk, Enter opens the claim, D is done, X was checked, M shows more. */
import {keeping} from 'set_aside';

const PLATE = `<template v-if="line.plate">${maakav.plate('line.plate', "texts.plate + ' ' + line.plate")}</template>`;
const MORE = `
  <div v-if="open === line.key || written(line)" v-show="open === line.key" class="mk-wkmore" data-testid="work-panel">
    <p v-if="gone(line)" class="mk-t2 mk-sm" data-testid="work-gone"><span class="mk-ic mk-s16" aria-hidden="true">info</span> <span>{{ texts.gone }}</span></p>
    <template v-else><p v-if="line.explained" class="mk-t2 mk-sm" data-testid="work-explained"><span class="mk-ic mk-s16" aria-hidden="true">schedule</span> <span>{{ line.explained }}</span></p>
    <div v-if="line.task" class="mk-wkrow"><span class="mk-gh">{{ texts.postpone }}</span>
      <button type="button" v-for="way in ways" :key="way[0]" class="mk-pill" :data-testid="'postpone-' + way[0]" :disabled="busy ? true : null" @click="send(line, 'postpone', way[0])">{{ way[1] }}</button>
      <day-field v-model="days[line.key]" look="mk-vh" :label="texts.day" :min="today" data-testid="postpone-day"></day-field>
      <button type="button" class="mk-btn mk-s mk-sm" :disabled="busy || !days[line.key] ? true : null" data-testid="postpone-to" @click="send(line, 'postpone', days[line.key])">{{ texts.to }}</button></div>
    <div class="mk-wkrow"><span class="mk-gh">{{ texts.who }}</span>
      <button type="button" v-if="!line.mine" class="mk-pill" data-testid="work-take" :disabled="busy ? true : null" @click="send(line, 'give', me)"><span class="mk-ic mk-s16" aria-hidden="true">front_hand</span>{{ texts.take }}</button>
      <select class="mk-size" :aria-label="texts.give" data-testid="work-give" :value="line.whose" :disabled="busy ? true : null" @change="send(line, 'give', Number($event.target.value))"><option v-if="line.task || !line.whose" :value="0">{{ line.task ? texts.team : texts.nobody }}</option><option v-for="one in staff" :key="one[0]" :value="one[0]">{{ one[1] }}</option></select></div></template>
    <form class="mk-wkrow" @submit.prevent="write(line)"><label class="mk-inp mk-sm mk-grow"><span class="mk-vh">{{ texts.note }}</span><input v-model="notes[line.key]" :placeholder="texts.note" maxlength="1000" dir="auto" autocomplete="off" data-keeps="no" data-testid="work-note"></label>
      <button type="submit" class="mk-btn mk-s mk-sm" :disabled="going[line.key] || !written(line) ? true : null" data-testid="work-note-add">{{ texts.add }}</button></form>
    <div v-if="gone(line) && written(line)" class="mk-wkrow"><button type="button" class="mk-btn mk-g mk-sm" :data-copy="notes[line.key]" data-testid="work-note-copy">{{ texts.copy }}</button><button type="button" class="mk-btn mk-g mk-sm" data-testid="work-note-discard" @click="leave(line.key, '')">{{ texts.discard }}</button></div>
  </div>`;

const has = (lines, key) => lines.some((line) => line.key === key);

export default {
  components: {DayField: maakav.dayField},
  template: `
    <div class="mk-contents">
      <div class="mk-ph"><h1>{{ texts.title }}</h1><span class="mk-live" data-testid="connection" role="status"><i></i><span>{{ texts.live }}</span></span></div>
      <div class="mk-page mk-work" @keydown="key" ref="all">
        <nav class="mk-wktiles" :aria-label="texts.lists"><a v-for="tile in tiles" :key="tile.name" class="mk-wktile" :class="{'mk-on': tile.on, 'mk-alarm': tile.alarm}" :href="tile.href" :aria-current="tile.on ? 'page' : null" :data-testid="'desk-' + tile.name" :data-count="tile.count"><b>{{ tile.count }}</b><span>{{ tile.label }}</span></a></nav>
        <div class="mk-wkwait"><nav class="mk-seg" :aria-label="texts.whose"><a v-for="side in sides" :key="side.name" :href="side.href" :class="{'mk-on': side.on}" :aria-current="side.on ? 'true' : null" :data-testid="'whose-' + side.name">{{ side.label }}</a></nav><span v-if="parties.length" class="mk-gh">{{ texts.waiting }}</span><a v-for="party in parties" :key="party.name" class="mk-pill" :class="{'mk-on': party.on}" :href="party.href" :data-testid="'waiting-' + party.name">{{ party.label }} <span class="mk-badge">{{ party.count }}</span></a></div>
        <section class="mk-card mk-wklist" :aria-label="heading" data-testid="work-list" :data-view="view"><div class="mk-hd"><h2>{{ heading }}</h2><span class="mk-sp"></span><p class="mk-t3 mk-sm mk-hide-sm">{{ texts.keys }}</p></div>
          <article v-for="line in rows" :key="line.key" class="mk-wkline" :class="{'mk-cur': current === line.key}" tabindex="-1" :data-line="line.key" :data-claim="line.claim_no" data-testid="work-line" @focusin="current = line.key">
            <div class="mk-wkgrid"><span class="mk-wkdue" :class="'mk-is-' + line.tone" data-testid="work-due">{{ line.due }}</span>
              <div class="mk-wkmain"><p class="mk-wkt"><a class="mk-rowlink" :href="line.href" dir="auto">{{ line.title }}</a></p>
                <p class="mk-ln2"><bdi class="mk-b">{{ line.name }}</bdi> · <bdi class="mk-num" dir="ltr">{{ line.claim_no }}</bdi> <span v-for="said in line.said" :key="said"> · {{ said }}</span></p></div>
              <span class="mk-wkplate">${PLATE}</span>
              <span class="mk-chip" :class="'mk-hue-' + line.chip.hue"><span class="mk-ic" aria-hidden="true">{{ line.chip.icon }}</span><span class="mk-ell">{{ line.chip.label }}</span></span>
              <span class="mk-wkwho mk-ell" :title="texts.who" data-testid="work-who">{{ line.who }}</span>
              <span class="mk-wkacts"><a v-if="line.tel" class="mk-ib" :href="line.tel" :aria-label="texts.call + ' ' + line.person" data-testid="work-call"><span class="mk-ic" aria-hidden="true">call</span></a>
                <template v-if="!gone(line)"><button v-if="line.task" type="button" class="mk-btn mk-s mk-sm" :disabled="busy ? true : null" data-testid="work-done" @click="send(line, 'done', 0)"><span class="mk-ic" aria-hidden="true">check</span>{{ texts.done }}</button>
                <button v-else type="button" class="mk-btn mk-s mk-sm" :disabled="busy || line.checked ? true : null" data-testid="work-checked" :title="texts.checkedTitle" @click="send(line, 'checked', 0)"><span class="mk-ic" aria-hidden="true">task_alt</span>{{ line.checked ? texts.wasChecked : texts.checked }}</button></template>
                <button type="button" class="mk-ib" :aria-label="unsent(line) ? texts.unsent : texts.more" :title="unsent(line) ? texts.unsent : null" :aria-expanded="String(open === line.key)" data-testid="work-more" @click="toggle(line)"><span class="mk-ic" aria-hidden="true">{{ unsent(line) ? 'edit_note' : 'more_horiz' }}</span></button></span></div>${MORE}</article>
          <div v-if="!rows.length" class="mk-empty" role="status" data-testid="work-empty"><span class="mk-ic mk-s24" aria-hidden="true">done_all</span><h2>{{ nothing }}</h2></div>
          <nav v-if="pages.length" class="mk-bd mk-row" :aria-label="texts.pages"><a v-for="page in pages" :key="page.name" class="mk-btn mk-soft" :href="page.href" :data-testid="'page-' + page.name">{{ page.label }}</a></nav></section>
      </div>
    </div>`,
  props: {
    view: String, heading: String, nothing: String, sides: Array, tiles: Array, parties: Array, lines: Array, pages: Array, staff: Array, ways: Array, me: Number, today: String, answer: Object, keep: String, texts: Object,
  },
  emits: ['act'],
  mixins: [keeping, maakav.ordering],
  // every line has its own note and day; those on which one is written and that left meanwhile stand aside, with their list and their
  // place in it; notes that are on their way are each said until they are answered
  data: () => ({current: '', open: '', notes: {}, days: {}, aside: [], going: {}}),
  computed: {
    rows() {
      const rows = [...this.lines];
      for (const {line, list, place} of this.aside) if (list === location.search && !has(rows, line.key)) rows.splice(place, 0, line);
      return rows;
    },
  },
  created() {
    const {notes = {}, aside = [], open = ''} = this.remembered();
    Object.assign(this, {notes, open, aside: aside.filter(({line}) => !has(this.lines, line.key))});
    Object.assign(this, {sent: {}, endings: {}, noted: 0});
  },
  mounted() {
    const {sent = {}, going = {}} = this.remembered();
    Object.assign(this.sent, sent);
    for (const [key, letter] of Object.entries(going)) this.carry(key, letter);
    this.press = (event) => { if (event.target === document.body) this.key(event); };
    addEventListener('keydown', this.press);
  },
  unmounted() { for (const end of Object.values(this.endings)) end(); removeEventListener('keydown', this.press); },
  watch: {
    // what was ordered is done, or refused: then what was typed stays
    'answer.turn'() {
      const {message, act, key, number} = this.answer;
      if (act === 'note') { this.hear(key, number, message); return; }
      this.answered(this.answer);
      if (message) maakav.say(message, true);
      else if (act === 'postpone') delete this.days[key];
    },
    // a line that was worked off leaves the place to the one after it
    lines(now, before) {
      // somebody else worked it off while a note is being written on it: it stays until the note is kept or taken back
      const left = this.placed(before).filter(({line}) => !has(now, line.key));
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
    gone(line) { return !has(this.lines, line.key); },
    /* Of these, those on which a note is written. */
    placed(lines) { return lines.map((line, place) => ({line, list: location.search, place})).filter(({line}) => this.written(line)); },
    toKeep() {
      const {notes, going, sent, open} = this, aside = [...this.aside, ...this.placed(this.lines)];
      return Object.values(notes).some((note) => note.trim()) || Object.keys(going).length ? {notes, going, sent, open, aside} : null;
    },
    unsent(line) { return this.open !== line.key && this.written(line); },
    tidy() { this.aside = this.aside.filter(({line}) => this.written(line) || line.key === this.open); },
    send(line, act, value) {
      if (!this.busy) this.$emit('act', {key: line.key, act, value, seen: line.whose, number: this.numbered(act)});
    },
    write(line) {
      if (this.going[line.key] || !this.written(line)) return;
      this.carry(line.key, {...maakav.keyed(this.notes[line.key], this.sent[line.key]), claim: line.claim_no});
    },
    carry(key, letter) {
      maakav.ordered();
      const number = this.noted += 1, {text, claim} = letter;
      this.sent[key] = letter;
      this.going[key] = {...letter, number};
      const say = () => this.$emit('act', {key, act: 'note', value: text, claim_no: claim, once: letter.key, number});
      this.endings[key] = maakav.insist(say, () => maakav.say(this.texts.going, true));
    },
    /* Said again, it is answered again. What was typed on since it was sent is another note. */
    hear(key, number, message) {
      if (this.going[key]?.number !== number) return;
      const {text} = this.going[key];
      this.endings[key]();
      delete this.going[key];
      if (message) { maakav.say(message, true); return; }
      delete this.sent[key];
      this.leave(key, maakav.behind(this.notes[key] || '', text));
    },
    leave(key, note) {
      if (note) this.notes[key] = note; else delete this.notes[key];
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
      else if (event.code === 'KeyD' && line.task && !this.gone(line)) this.send(line, 'done', 0);
      else if (event.code === 'KeyX' && !line.checked && !this.gone(line)) this.send(line, 'checked', 0);
      else if (event.code === 'KeyM') this.toggle(line);
      else if (event.code === 'Enter' && event.target.tagName === 'ARTICLE') location.href = line.href;
      else return;
      event.preventDefault();
    },
  },
};
