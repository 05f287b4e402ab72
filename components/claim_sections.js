/* The sections of the claim page: rows that read and, for staff, rows that are edited in place. What is being typed lives here, and
   in the tab's own memory for the case that it reloads, until it is saved; the server answers each save by a new `turn` of its row. */
const PLATE = maakav.plate('row.text', "words.plate + ' ' + row.text");
const WHATSAPP = maakav.whatsapp;
const WAS = `<template v-if="row.changed && row.before && row.kind !== 'long_text'"><bdi v-if="row.number" class="mk-was mk-num" dir="ltr">{{ row.before }}</bdi><span v-else class="mk-was">{{ row.before }}</span><span class="mk-ic mk-dir mk-arrow" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ words.changedTo }} </span></template>`;
const VALUE = `
  <span v-if="row.chip" class="mk-chip" :class="'mk-hue-' + row.chip.hue"><span class="mk-ic" aria-hidden="true">{{ row.chip.icon }}</span><span class="mk-ell">{{ row.text }}</span></span>
  <template v-else-if="row.plate && row.text">${PLATE}</template>
  <component v-else-if="row.text && !row.none" :is="row.changed ? 'b' : 'span'" :class="{'mk-pre': row.kind === 'long_text'}"><a v-if="row.mail" :href="row.mail"><bdi class="mk-num mk-wrap" dir="ltr">{{ row.text }}</bdi></a><bdi v-else-if="row.number" class="mk-num mk-wrap" dir="ltr">{{ row.text }}</bdi><span v-else dir="auto">{{ row.text }}</span></component>
  <span v-else class="mk-none">{{ row.text || '—' }}</span>
  <span v-if="row.changed && (!row.before || row.kind === 'long_text')" class="mk-chip mk-tiny mk-hue-blue">{{ words.isNew }}</span>
  <span v-if="row.beside" class="mk-t3 mk-sm">{{ row.beside }}</span>`;
const EDITOR = `
  <template v-if="row.editor === 'choice' || row.editor === 'status'">
    <select :data-testid="'edit-' + row.name" :aria-label="row.label" v-model="edit.draft" @keydown="key(row, $event)" @change="typed(edit)">
      <option v-if="!row.choices" :value="row.input">{{ row.text }}</option>
      <option v-if="row.choices && !row.choices.some((choice) => String(choice.value) === row.input)" :value="row.input">{{ row.text || '—' }}</option>
      <option v-if="row.choices && row.input && row.clears" value="">—</option>
      <option v-for="choice in row.choices || []" :key="choice.value" :value="String(choice.value)">{{ choice.label }}</option>
    </select></template>
  <textarea v-else-if="row.editor === 'long'" :data-testid="'edit-' + row.name" :aria-label="row.label" v-model="edit.draft" rows="4" :maxlength="row.limit" dir="auto" @keydown="key(row, $event)" @input="typed(edit)"></textarea>
  <template v-else>
    <input :data-testid="'edit-' + row.name" :aria-label="row.label" v-model="edit.draft" v-bind="shape(row)" :aria-invalid="edit.note ? 'true' : null" :aria-describedby="edit.note ? id(row) : null" @keydown="key(row, $event)" @input="typed(edit)" :list="row.editor === 'firm' ? id(row) + '-list' : null">
    <datalist v-if="row.editor === 'firm'" :id="id(row) + '-list'"><option v-for="choice in row.choices || []" :key="choice.value" :value="choice.label"></option></datalist>
    <template v-if="row.editor === 'day'"><input type="date" class="mk-vh" tabindex="-1" aria-hidden="true"><button type="button" class="mk-minia" tabindex="-1" data-calendar :aria-label="words.pickDay"><span class="mk-ic" aria-hidden="true">calendar_month</span></button></template>
  </template>
  <button type="button" class="mk-minia mk-p" tabindex="-1" :aria-label="words.save" :title="words.save" @click="save(row)"><span class="mk-ic" aria-hidden="true">check</span></button>
  <button type="button" class="mk-minia" tabindex="-1" :aria-label="words.cancel" :title="words.cancel" @click="close(row, true)"><span class="mk-ic" aria-hidden="true">close</span></button>`;
/* What the insurer asked for. With Tab one comes here from the status, and from here to the reason. */
const ASKS = `
  <fieldset v-if="asksOf(row)" class="mk-asks" data-testid="asked-documents" @keydown.enter.prevent="save(row)" @keydown.esc.prevent.stop="close(row, true)"><legend class="mk-note">{{ words.asked }}</legend>
    <div v-for="group in asksOf(row)" :key="group.group" role="group" :aria-label="group.group"><p class="mk-xs mk-t3" aria-hidden="true">{{ group.group }}</p>
      <label v-for="kind in group.kinds" :key="kind.id" class="mk-tick"><input v-if="kind.asked" type="checkbox" class="mk-box" checked disabled><input v-else type="checkbox" class="mk-box" :value="kind.id" v-model="edits[row.name].asked" :data-testid="'asked-' + kind.id" @change="typed(edits[row.name])"><span>{{ kind.label }} <span v-if="kind.note" class="mk-xs mk-t3">{{ kind.note }}</span></span></label></div></fieldset>`;
const BELOW = `
  ${ASKS}
  <div v-if="reasonOf(row)" class="mk-why-reason">
    <label class="mk-note" :for="id(row) + '-reason'">{{ edits[row.name].asked.length ? words.askedWhy : words.reason }}</label>
    <input :id="id(row) + '-reason'" data-testid="edit-status_reason" v-model="edits[row.name].reason" :maxlength="reasonLimit" dir="auto" @keydown="key(row, $event)" @input="typed(edits[row.name])">
    <div class="mk-row mk-reasons"><button type="button" v-for="reason in reasonOf(row)" :key="reason" class="mk-btn mk-soft mk-sm" @click="reasoned(row, reason)">{{ reason }}</button></div></div>
  <div v-if="asksOf(row)" class="mk-row mk-asks-do"><button type="button" class="mk-btn mk-p mk-sm" data-testid="save-asked" @click="save(row)">{{ words.save }}</button><button type="button" class="mk-btn mk-g mk-sm" @click="close(row, true)">{{ words.cancel }}</button></div>
  <div v-if="clashing(row)" class="mk-clash" role="alert"><span>{{ row.clash || words.clash }} {{ words.present }} <b dir="auto">{{ row.text || '—' }}</b></span><span class="mk-sp"></span>
    <button type="button" class="mk-btn mk-s mk-sm" data-testid="keep-theirs" @click="close(row, true)">{{ words.theirs }}</button>
    <button type="button" class="mk-btn mk-p mk-sm" data-testid="keep-mine" @click="insist(row)">{{ words.mine }}</button></div>
  <div v-else-if="edits[row.name] && edits[row.name].note" :id="id(row)" class="mk-note" :class="edits[row.name].doubt ? 'mk-warn' : 'mk-e'" role="alert"><span class="mk-ic" aria-hidden="true">{{ edits[row.name].doubt ? 'warning' : 'error' }}</span><span>{{ edits[row.name].note }}</span></div>
  <div v-else-if="edits[row.name] && row.editor === 'long'" class="mk-note">{{ words.longHint }}</div>`;

const SECTION = {
  template: `
    <section v-show="rows.length || look !== 'plain'" class="mk-card" :class="[look === 'plain' ? 'mk-sec' : 'mk-' + look, {'mk-open': unfolded}, explained ? 'mk-hue-' + explained.hue : '']" :data-testid="'section-' + section" :aria-label="title">
      <div v-if="look === 'plain'" class="mk-hd" @click="fold">
        <span class="mk-ic mk-lead" aria-hidden="true">{{ icon }}</span><h2>{{ title }}</h2>
        <span v-if="changes" class="mk-udot" role="img" :aria-label="words.hasNews"></span><span class="mk-sum" dir="auto">{{ summary }}</span>
        <button type="button" class="mk-ic mk-chev" :aria-expanded="String(unfolded)" :aria-label="title" @click.stop="fold">expand_more</button></div>
      <template v-else-if="look === 'why'">
        <span class="mk-icb" aria-hidden="true"><span class="mk-ic">{{ explained.icon }}</span></span>
        <h2 ref="glows" data-testid="status-explained">{{ explained.title }}</h2><p>{{ explained.text }}</p></template>
      <template v-else-if="look === 'daily'">
        <span v-if="explained.initials" class="mk-av" :class="'mk-hue-' + explained.hue" aria-hidden="true">{{ explained.initials }}</span><span v-else class="mk-icb mk-s32 mk-hue-slate" aria-hidden="true"><span class="mk-ic">article</span></span></template>
      <div :class="[look === 'plain' ? 'mk-bd' : 'mk-in', {'mk-cols2': columns > 1}]">
        <div v-if="look === 'daily'" class="mk-row"><h2 class="mk-b">{{ title }}</h2><span class="mk-sp"></span><span class="mk-sm mk-t3" v-if="explained.by"><bdi>{{ explained.by }}</bdi><template v-if="explained.at"> · <time :datetime="explained.at" :data-ts="explained.at" :title="explained.exact">{{ explained.when }}</time></template></span></div>
        <dl v-for="(part, place) in parts" :key="place" class="mk-dlist">
          <div v-for="row in part" :key="row.name" :ref="(element) => { elements[row.name] = element; }" :class="rowClass(row)" :data-testid="'field-' + row.name" :data-changed="row.changed ? 'true' : null"
               @click="clicked(row, $event)">
            <dt>{{ row.label }}</dt>
            <dd v-if="edits[row.name] && !edits[row.name].busy" v-for="edit in [edits[row.name]]" :key="row.name">${EDITOR}</dd>
            <dd v-else>
              <template v-if="edits[row.name]"><span dir="auto">{{ shown(row) }}</span><span class="mk-sp"></span><span class="mk-row mk-xs mk-t3" role="status"><span class="mk-ic mk-s14 mk-spin" aria-hidden="true">progress_activity</span>{{ words.saving }}</span></template>
              <template v-else>${WAS}${VALUE}
                <button v-if="row.masked" type="button" class="mk-minia" :data-testid="'reveal-' + row.name" :aria-label="words.reveal + ': ' + row.label" :title="words.reveal" @click="$emit('reveal', row.name)"><span class="mk-ic mk-s16" aria-hidden="true">visibility</span></button>
                <button v-if="row.editable" type="button" class="mk-pen" :class="{'mk-vh': row.copy || saved[row.name]}" :aria-label="row.label + ': ' + (row.text || '—') + ', ' + words.edits" @click="open(row)"><span class="mk-ic" aria-hidden="true">edit</span></button>
                <span v-if="saved[row.name]" class="mk-row mk-xs mk-saved" role="status"><span class="mk-ic mk-s16" aria-hidden="true">check</span>{{ words.saved }}</span>
                <span v-else-if="row.copy" class="mk-acts">
                  <a v-if="row.tel" class="mk-minia" :href="row.tel" :aria-label="words.call + ' ' + row.text" :title="words.call"><span class="mk-ic" aria-hidden="true">call</span></a>
                  <a v-if="row.whatsapp" class="mk-minia mk-wa" :href="row.whatsapp" target="_blank" rel="noopener" :aria-label="'WhatsApp ' + row.text" title="WhatsApp">${WHATSAPP}</a>
                  <a v-if="row.way" class="mk-minia" :href="row.way" target="_blank" rel="noopener noreferrer" :aria-label="words.way + ' ' + row.text" :title="words.way"><span class="mk-ic" aria-hidden="true">place</span></a>
                  <button v-if="row.copy" type="button" class="mk-minia" :data-copy="row.copy" :aria-label="words.copy + ' ' + row.text" :title="words.copy"><span class="mk-ic mk-s16" aria-hidden="true">content_copy</span></button></span>
              </template>
            </dd>${BELOW}
          </div>
        </dl>
        <p v-if="look === 'daily' && explained.fresh" class="mk-note mk-ok" data-testid="freshness"><span class="mk-ic" aria-hidden="true">task_alt</span>{{ explained.fresh }}</p>
      </div>
    </section>`,
  props: {
    section: String, title: String, icon: String, look: {type: String, default: 'plain'}, fields: Array, columns: {type: Number, default: 1},
    summary: String, explained: Object, words: Object, unfold: Boolean, keep: String, reasonLimit: Number, touched: Object,
  },
  emits: ['open', 'save', 'reveal'],
  data: () => ({edits: {}, saved: {}, unfolded: false}),
  computed: {
    // as all see them, and what this page was answered, offered and shown anew
    rows() {
      return this.fields.map((row) => {
        const mine = this.touched[row.name], whole = mine && row.masked && mine.whole;
        return mine ? {...row, ...mine, ...(whole ? {text: whole, copy: whole, masked: false} : {})} : row;
      });
    },
    changes() { return this.rows.some((row) => row.changed); },
    parts() {
      const length = Math.ceil(this.rows.length / this.columns);
      return Array.from({length: this.columns}, (_, place) => this.rows.slice(place * length, (place + 1) * length)).filter((part) => part.length);
    },
  },
  created() {
    this.unfolded = this.unfold;
    this.elements = {};
    this.unkept = new Set();
    this.turns = Object.fromEntries(this.rows.map((row) => [row.name, row.turn || 0]));
    this.glowed = Object.fromEntries(this.rows.map((row) => [row.name, row.glow || 0]));
  },
  mounted() {
    // another row of the page was opened: what was typed here is saved, what was only looked at closes
    this.elsewhere = (event) => { for (const row of this.rows) if (event.detail !== row.name) this.leave(row); };
    addEventListener('maakav:editing', this.elsewhere);
    this.leaving = (event) => { if (this.unkept.size) event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
    if (this.keep) this.reopen();
  },
  unmounted() {
    removeEventListener('maakav:editing', this.elsewhere);
    removeEventListener('beforeunload', this.leaving);
  },
  watch: {
    edits: {deep: true, handler() { if (this.keep) for (const row of this.rows) if (row.editable) this.keepTyped(row); }},
    rows() {
      for (const row of this.rows) {
        if ((row.turn || 0) !== (this.turns[row.name] || 0)) { this.turns[row.name] = row.turn; this.answered(row); }
        if ((row.glow || 0) !== (this.glowed[row.name] || 0)) { this.glowed[row.name] = row.glow; this.$nextTick(() => this.glow(row)); }
      }
    },
  },
  methods: {
    id(row) { return `note-${row.name}`; },
    fold() { this.unfolded = !this.unfolded; },
    rowClass(row) {
      const edit = this.edits[row.name];
      return {
        'mk-chgd': row.changed && !edit, 'mk-ed': row.editable && !edit, 'mk-edt': edit && !edit.busy, 'mk-busy': edit && edit.busy,
        'mk-bad': edit && !edit.busy && edit.note && !edit.doubt, 'mk-sv': this.saved[row.name] && !edit, 'mk-wide': row.kind === 'long_text',
      };
    },
    shape: maakav.shapeOf,
    clicked(row, event) {
      if (!row.editable || this.edits[row.name] || event.target.closest('a, button, input, select, textarea')) return;
      const marked = getSelection();
      if (marked && !marked.isCollapsed && event.currentTarget.contains(marked.anchorNode)) return;
      this.open(row);
    },
    open(row) {
      if (!row.editable || this.edits[row.name]) return;
      dispatchEvent(new CustomEvent('maakav:editing', {detail: row.name}));
      this.unfolded = true;
      this.edits[row.name] = {draft: row.input, seen: row.value, was: row.input, note: '', doubt: false, busy: false, reason: '', asked: []};
      if (['choice', 'status', 'firm'].includes(row.editor)) this.$emit('open', row.name);
      this.focus(row, true);
    },
    /* ---- what was typed outlives a reload ---- */
    slot(row) { return `maakav.edit.${this.keep}.${row.name}`; },
    keepTyped(row) {
      const edit = this.edits[row.name], typed = edit && (edit.draft !== edit.was || edit.reason || edit.asked.length);
      this.unkept.delete(row.name);
      try {
        if (!typed) sessionStorage.removeItem(this.slot(row));
        else sessionStorage.setItem(this.slot(row), JSON.stringify({draft: edit.draft, seen: edit.seen, was: edit.was, reason: edit.reason, asked: edit.asked}));
      } catch { if (typed) this.unkept.add(row.name); }
    },
    kept(row) {
      try { return JSON.parse(sessionStorage.getItem(this.slot(row))); } catch { return null; }
    },
    reopen() {
      for (const row of this.rows) {
        const kept = row.editable && this.kept(row);
        if (!kept || typeof kept.draft !== 'string' || this.edits[row.name]) continue;
        this.unfolded = true;
        this.edits[row.name] = {draft: kept.draft, seen: kept.seen, was: kept.was, reason: kept.reason || '', asked: kept.asked || [], note: '', doubt: false, busy: false};
        if (['choice', 'status', 'firm'].includes(row.editor)) this.$emit('open', row.name);
      }
    },
    focus(row, all) {
      this.$nextTick(() => {
        const input = this.elements[row.name]?.querySelector('[data-testid^=edit-]');
        if (!input) return;
        input.focus();
        if (all && input.select && row.kind !== 'long_text') input.select();
      });
    },
    typed(edit) { edit.note = ''; edit.doubt = false; },
    key(row, event) {
      const long = event.target.tagName === 'TEXTAREA';
      if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); this.close(row, true); return; }
      if (event.key === 'Tab' && !event.shiftKey && event.target.tagName === 'SELECT' && this.asksOf(row)) return;
      if (event.key === 'Tab') { event.preventDefault(); this.next(row, event.shiftKey ? -1 : 1); return; }
      if (event.key !== 'Enter' || event.isComposing) return;
      // on a touch keyboard there is no Shift+Enter: there Enter starts a line and the tick saves
      if (long && (event.shiftKey || (matchMedia('(pointer: coarse)').matches && !event.ctrlKey))) return;
      event.preventDefault();
      this.save(row);
    },
    next(row, step) {
      const rows = [...document.querySelectorAll('.mk-ed, .mk-edt')];
      const target = rows[rows.indexOf(this.elements[row.name]) + step];
      this.leave(row);
      if (target) this.$nextTick(() => target.dispatchEvent(new MouseEvent('click', {bubbles: true})));
    },
    leave(row) {
      const edit = this.edits[row.name];
      if (!edit || edit.busy || edit.note) return;
      if (edit.draft === edit.was && !edit.reason && !edit.asked.length) this.close(row); else this.save(row);
    },
    close(row, back) {
      delete this.edits[row.name];
      if (back) this.$nextTick(() => this.elements[row.name]?.querySelector('.mk-pen')?.focus());
    },
    reasonOf(row) {
      const edit = this.edits[row.name];
      if (row.editor !== 'status' || !edit || edit.busy) return null;
      const choice = (row.choices || []).find((one) => one.value === edit.draft);
      return choice && choice.reason ? choice.reasons : null;
    },
    asksOf(row) {
      const edit = this.edits[row.name];
      if (row.editor !== 'status' || !edit || edit.busy) return null;
      return (row.choices || []).find((one) => one.value === edit.draft)?.asks || null;
    },
    /* Ticks belong to the status they were made for. */
    ticked(row) { return this.asksOf(row) ? [...this.edits[row.name].asked] : []; },
    reasoned(row, reason) { this.edits[row.name].reason = reason; this.save(row); },
    save(row) {
      const edit = this.edits[row.name];
      if (!edit || edit.busy) return;
      if (edit.draft === edit.was && edit.seen === row.value && !edit.reason && !this.ticked(row).length) { this.close(row, true); return; }
      if (this.reasonOf(row) && !edit.reason.trim() && !this.ticked(row).length) {
        if (this.elements[row.name].contains(document.activeElement) && document.activeElement.matches('[data-testid=edit-status_reason]')) edit.note = this.words.reason;
        this.elements[row.name].querySelector('[data-testid=edit-status_reason]').focus();
        return;
      }
      const asked = this.ticked(row);
      edit.busy = true;
      edit.waiting?.();
      edit.waiting = maakav.whenLate(() => { if (this.edits[row.name] === edit && edit.busy) { edit.busy = false; edit.note = this.words.late; } });
      this.$emit('save', {name: row.name, seen: edit.seen, raw: String(edit.draft), reason: edit.reason, anyway: edit.doubt, asked});
    },
    shown(row) {
      const edit = this.edits[row.name];
      const choice = ['choice', 'status'].includes(row.editor) && (row.choices || []).find((one) => String(one.value) === edit.draft);
      return choice ? choice.label : edit.draft;
    },
    answered(row) {
      const edit = this.edits[row.name];
      if (row.state === 'saved') {
        const mine = this.elements[row.name];
        const here = !document.activeElement || document.activeElement === document.body || (mine && mine.contains(document.activeElement));
        this.close(row, here);
        this.saved[row.name] = true;
        setTimeout(() => { delete this.saved[row.name]; }, 3000);
        return;
      }
      if (!edit) return;
      edit.busy = false;
      edit.doubt = row.state === 'doubt';
      edit.note = row.state === 'clash' ? '' : row.message;
      if (!document.querySelector('.mk-edt :focus')) this.focus(row);
    },
    clashing(row) {
      const edit = this.edits[row.name];
      return edit && !edit.busy && edit.seen !== row.value;
    },
    insist(row) { const edit = this.edits[row.name]; edit.seen = row.value; edit.was = null; this.save(row); },
    glow(row) {
      for (const element of [this.elements[row.name], row.name === 'status' ? this.$refs.glows : null]) {
        if (!element) continue;
        maakav.glow(element);
        setTimeout(() => element.classList.remove('mk-glow'), 2700);
      }
    },
  },
};

export default {
  components: {ClaimSection: SECTION},
  template: `
    <div class="mk-contents"><claim-section v-bind="of('status')"></claim-section><slot></slot><claim-section v-bind="of('daily')"></claim-section>
      <div class="mk-cols2"><claim-section v-for="name in others" :key="name" v-bind="of(name)"></claim-section></div></div>`,
  props: {sections: Object, touched: Object, words: Object, keep: String, reasonLimit: Number},
  emits: ['open', 'save', 'reveal'],
  data() { return {known: this.sections, mine: this.touched}; },
  computed: {
    others() { return Object.keys(this.known).filter((name) => !['status', 'daily'].includes(name)); },
  },
  watch: {
    sections(now) { this.known = now; },
    touched(now) { this.mine = now; },
  },
  methods: {
    of(name) {
      return {
        ...this.known[name], section: name, touched: this.mine, words: this.words, keep: this.keep, reasonLimit: this.reasonLimit,
        onOpen: this.opened, onSave: this.saves, onReveal: this.reveals,
      };
    },
    opened(row) { this.$emit('open', row); },
    saves(edit) { this.$emit('save', edit); },
    reveals(row) { this.$emit('reveal', row); },
    /* from the server: the sections that are different now, and what concerns this page's own rows */
    show(sections, touched) { this.known = {...this.known, ...sections}; this.mine = {...this.mine, ...touched}; },
  },
};
