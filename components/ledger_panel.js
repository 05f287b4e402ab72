/* The ledger of a claim: a table on a desk, a card for each head on a phone. What is being typed lives here until it is saved. */
const CELL = `
  <template v-if="edits[key(row, column.name)]" v-for="edit in [edits[key(row, column.name)]]" :key="column.name">
    <span class="mk-cell-e"><input :ref="(element) => { inputs[key(row, column.name)] = element; }" v-model="edit.draft" inputmode="decimal" maxlength="20" :aria-label="row.label + ', ' + column.label" :aria-invalid="edit.note ? 'true' : null" :data-testid="'edit-' + row.head + '-' + column.name" :disabled="edit.busy ? true : null" @keydown="keyed(row, column.name, $event)" @input="edit.note = ''" @blur="left(row, column.name, $event)"></span>
    <div v-if="clashing(row, column.name)" class="mk-clash" role="alert" data-testid="ledger-clash"><span>{{ row.cells[column.name].clash || words.clash }} {{ words.present }} <b><bdi class="mk-num" dir="ltr">{{ row.cells[column.name].text || '—' }}</bdi></b></span>
      <button type="button" class="mk-btn mk-s mk-sm" data-testid="keep-theirs" @mousedown.prevent @click="close(row, column.name)">{{ words.theirs }}</button><button type="button" class="mk-btn mk-p mk-sm" data-testid="keep-mine" @mousedown.prevent @click="insist(row, column.name)">{{ words.mine }}</button></div>
    <div v-else-if="edit.note" class="mk-note mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ edit.note }}</span></div></template>
  <component v-else :is="staff ? 'button' : 'span'" :type="staff ? 'button' : null" class="mk-cell" :class="{'mk-sv': saved[key(row, column.name)]}" :ref="(element) => { cells[key(row, column.name)] = element; }" :data-testid="'cell-' + row.head + '-' + column.name" :aria-label="staff ? row.label + ', ' + column.label + ': ' + (row.cells[column.name].text || '—') + ', ' + words.edit : null" @click="open(row, column.name)"><bdi v-if="row.cells[column.name].text" class="mk-num" dir="ltr">{{ row.cells[column.name].text }}</bdi><span v-else class="mk-t3">–</span></component>`;

export default {
  components: {DayField: maakav.dayField},
  template: `
    <div class="mk-contents">
      <section class="mk-card" :aria-label="words.title" data-testid="ledger">
        <div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">payments</span><h2>{{ words.title }}</h2><span class="mk-sp"></span><span class="mk-sm mk-t3 mk-ldg-s">{{ [demand, vat].filter(Boolean).join(' · ') }}</span></div>
        <p v-if="!rows.length" class="mk-bd mk-t3">{{ words.none }}</p>
        <table v-else class="mk-mt mk-ldg" :aria-label="words.title"><thead><tr><th scope="col">{{ words.head }}</th><th v-for="column in columns" :key="column.name" scope="col">{{ column.label }}</th><th scope="col">{{ words.balance }}</th><th scope="col">{{ words.state }}</th></tr></thead>
          <tbody><tr v-for="row in rows" :key="row.head" data-testid="ledger-row" :data-head="row.head">
            <th scope="row" class="mk-ldg-h"><span dir="auto">{{ row.label }}</span><span v-if="row.net" class="mk-chip mk-tiny mk-hue-slate">{{ words.net }}</span>
              <span v-if="staff && !row.blank" class="mk-ldg-x"><button v-if="business && !row.net && row.cells.demanded.value" type="button" class="mk-btn mk-g mk-sm" :data-testid="'vat-' + row.head" @click="order({do: 'vat', head: row.head}, 'vat-' + row.head)">{{ words.takeVat }}</button>
              <button type="button" class="mk-minia" :aria-label="words.off + ': ' + row.label" :title="words.off" :data-testid="'off-' + row.head" @click="off = row.head"><span class="mk-ic" aria-hidden="true">close</span></button></span><span v-if="row.habit" class="mk-xs mk-t3 mk-ldg-b" data-testid="habit">{{ row.habit }}</span>
              <span v-if="off === row.head" class="mk-ldg-off" role="alert"><span class="mk-sm">{{ words.sureOff }}</span><button type="button" class="mk-btn mk-danger mk-sm" :data-testid="'sure-' + row.head" @click="takeOff(row)">{{ words.yes }}</button><button type="button" class="mk-btn mk-g mk-sm" @click="off = ''">{{ words.cancel }}</button></span>
              <span v-if="refusal(row)" class="mk-note mk-e" role="alert" data-testid="ledger-refused">{{ refusal(row) }}</span></th>
            <td v-for="column in columns" :key="column.name" :data-label="column.label">${CELL}</td>
            <td :data-label="words.balance"><bdi v-if="row.balance" class="mk-num mk-t2" dir="ltr">{{ row.balance }}</bdi><span v-else class="mk-t3">–</span></td>
            <td :data-label="words.state" class="mk-ldg-st"><span v-if="!row.blank" class="mk-chip mk-tiny" :class="'mk-hue-' + row.hue">{{ row.state }}</span>
              <template v-if="row.gap"><span class="mk-xs mk-t3">{{ words.gap.split('{sum}')[0] }}<bdi class="mk-num" dir="ltr">{{ row.gap }}</bdi>{{ words.gap.split('{sum}')[1] }}</span>
                <select v-if="staff" class="mk-ldg-r" :value="row.reason || ''" :aria-label="row.label + ', ' + words.why" :data-testid="'reason-' + row.head" @change="order({do: 'save', head: row.head, name: 'reason', seen: row.reason, raw: $event.target.value}, 'reason-' + row.head)"><option value="">{{ words.noReason }}</option><option v-if="row.reason && !choices.reasons.some((one) => one.id === row.reason)" :value="row.reason">{{ row.reasonLabel }}</option><option v-for="one in choices.reasons" :key="one.id" :value="one.id">{{ one.label }}</option></select>
                <span v-else-if="row.reasonLabel" class="mk-sm mk-t2">{{ row.reasonLabel }}</span></template></td></tr></tbody>
          <tfoot><tr data-testid="ledger-total"><td>{{ words.total }}</td><td v-for="column in columns" :key="column.name" :data-label="column.label" :data-testid="'total-' + column.name"><bdi v-if="totals[column.name]" class="mk-num" dir="ltr">{{ totals[column.name] }}</bdi><span v-else class="mk-t3">–</span></td><td colspan="2" :data-label="words.balance"><span class="mk-sm mk-t2">{{ words.balance }} <bdi class="mk-num" dir="ltr" data-testid="balance">{{ totals.balance || '–' }}</bdi></span></td></tr></tfoot></table>
        <p v-if="unknown" class="mk-xs mk-t3 mk-ldg-u">{{ unknown }}</p>
        <div v-if="staff" class="mk-bd"><label class="mk-inp mk-sm mk-ldg-a"><span class="mk-ic mk-s18" aria-hidden="true">add</span><span class="mk-vh">{{ words.add }}</span><select v-model="adding" data-testid="add-head" @change="add"><option value="">{{ words.add }}</option><option v-for="one in free" :key="one.id" :value="one.id">{{ one.label }}</option></select></label></div>
      </section>
      <section class="mk-card" :aria-label="words.offers" data-testid="offers"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">request_quote</span><h2>{{ words.offers }}</h2></div>
        <div class="mk-bd mk-stack"><p v-if="!offers.length" class="mk-t3">{{ words.noOffers }}</p>
          <ul v-else class="mk-ofs"><li v-for="offer in offers" :key="offer.id" data-testid="offer"><div class="mk-row mk-wrapr"><b><bdi class="mk-num" dir="ltr">{{ offer.amount }}</bdi></b><span class="mk-sm mk-t2">{{ offer.kind }}</span><bdi class="mk-num mk-sm mk-t2" dir="ltr">{{ offer.day }}</bdi><span class="mk-chip mk-tiny" :class="'mk-hue-' + offer.hue">{{ offer.answer }}</span><span class="mk-sp"></span>
            <label v-if="staff && offer.open" class="mk-inp mk-sm"><span class="mk-vh">{{ words.answered }}</span><select :data-testid="'answer-offer'" @change="order({do: 'answer', offer: offer.id, answer: $event.target.value}, 'answer-' + offer.id)"><option value="">{{ words.choose }}</option><option v-for="one in choices.answers" :key="one.id" :value="one.id">{{ one.label }}</option></select></label></div>
            <p v-if="notes['answer-' + offer.id]" class="mk-note mk-e" role="alert" data-testid="answer-refused">{{ notes['answer-' + offer.id] }}</p><p v-if="offer.note" class="mk-sm" dir="auto">{{ offer.note }}</p><p class="mk-xs mk-t3"><bdi>{{ offer.by }}</bdi><template v-if="offer.answered"> · {{ offer.answered }}</template></p></li></ul>
          <form v-if="staff && offering" class="mk-chqg" data-testid="offer-form" @submit.prevent="offer" @input="isTyped = true" @keydown.esc="isTyped || (offering = null)">
            <label class="mk-fld"><span class="mk-lab">{{ words.sum }}</span><span class="mk-inp mk-sm"><input v-model="offering.raw" inputmode="decimal" maxlength="20" required data-testid="offer-sum"></span></label>
            <day-field v-model="offering.day" look="mk-lab" :label="words.day" :max="choices.today" required data-testid="offer-day"></day-field>
            <label class="mk-fld"><span class="mk-lab">{{ words.kind }}</span><span class="mk-inp mk-sm"><select v-model="offering.kind" data-testid="offer-kind"><option v-for="one in choices.kinds" :key="one.id" :value="one.id">{{ one.label }}</option></select></span></label>
            <label class="mk-fld"><span class="mk-lab">{{ words.note }}</span><span class="mk-inp mk-sm"><input v-model="offering.note" maxlength="300" dir="auto" data-testid="offer-note"></span></label>
            <p v-if="notes.offer" class="mk-note mk-e" role="alert">{{ notes.offer }}</p>
            <div class="mk-row"><button type="submit" class="mk-btn mk-p mk-sm" data-testid="offer-save" :disabled="busy ? true : null">{{ words.save }}</button><button type="button" class="mk-btn mk-g mk-sm" @click="offering = null">{{ words.cancel }}</button></div></form>
          <div v-else-if="staff"><button type="button" class="mk-btn mk-s mk-sm" data-testid="add-offer" @click="startOffer"><span class="mk-ic" aria-hidden="true">add</span><span>{{ words.addOffer }}</span></button></div></div></section>
    </div>`,
  props: {heads: Array, totals: Object, columns: Array, offers: Array, choices: Object, answer: Object, staff: Boolean, vat: String, business: Boolean, demand: String, unknown: String, words: Object},
  emits: ['order'],
  data: () => ({edits: {}, saved: {}, notes: {}, blank: [], adding: '', off: '', offering: null, isTyped: false, busy: false}),
  computed: {
    rows() {
      const cells = Object.fromEntries((this.columns || []).map((column) => [column.name, {value: null, text: ''}]));
      const known = new Set(this.heads.map((row) => row.head));
      return [...this.heads, ...this.blank.filter((head) => !known.has(head.id)).map((head) => ({head: head.id, label: head.label, cells, blank: true}))];
    },
    free() { const there = new Set(this.rows.map((row) => row.head)); return (this.choices.heads || []).filter((head) => !there.has(head.id)); },
  },
  created() { this.cells = {}; this.inputs = {}; this.mine = new Set(); this.before = this.marks(); },
  unmounted() { for (const edit of Object.values(this.edits)) edit.waiting?.(); },
  watch: {
    'answer.turn'() { this.answered(this.answer); },
    heads() {
      const marks = this.marks();
      for (const [name, value] of Object.entries(marks)) {
        if (value === this.before[name] || this.mine.has(name)) continue;
        this.$nextTick(() => maakav.glow(this.cells[name]));
      }
      this.before = marks;
    },
  },
  methods: {
    key(row, name) { return `${row.head}.${name}`; },
    marks() { return Object.fromEntries(this.heads.flatMap((row) => Object.entries(row.cells).map(([name, cell]) => [`${row.head}.${name}`, cell.value]))); },
    shown(value) { return value === null || value === undefined ? '' : String(value % 100 ? (value / 100).toFixed(2) : value / 100); },
    open(row, name) {
      const key = this.key(row, name);
      if (!this.staff || this.edits[key]) return;
      const {value} = row.cells[name];
      this.edits[key] = {draft: this.shown(value), was: this.shown(value), seen: value, note: '', busy: false};
      this.$nextTick(() => { this.inputs[key]?.focus(); this.inputs[key]?.select(); });
    },
    close(row, name, back = true) {
      const key = this.key(row, name);
      this.edits[key]?.waiting?.();
      delete this.edits[key];
      if (back) this.$nextTick(() => this.cells[key]?.focus());
    },
    keyed(row, name, event) {
      if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); this.close(row, name); return; }
      if (event.key === 'Enter' && !event.isComposing) { event.preventDefault(); this.save(row, name); return; }
      if (event.key !== 'Tab') return;
      const order = this.rows.flatMap((one) => this.columns.map((column) => [one, column.name]));
      const place = order.findIndex(([one, other]) => one.head === row.head && other === name);
      const next = order[place + (event.shiftKey ? -1 : 1)];
      if (!next) return;
      event.preventDefault();
      this.leave(row, name);
      this.open(...next);
    },
    leave(row, name) {
      const edit = this.edits[this.key(row, name)];
      if (!edit || edit.busy || edit.note || this.clashing(row, name)) return;
      if (edit.draft === edit.was) this.close(row, name, false); else this.save(row, name);
    },
    left(row, name, event) { if (!event.relatedTarget || !event.relatedTarget.closest?.('.mk-clash')) maakav.afterPress(() => this.leave(row, name)); },
    save(row, name) {
      const key = this.key(row, name);
      const edit = this.edits[key];
      if (!edit || edit.busy) return;
      if (edit.draft === edit.was && edit.seen === row.cells[name].value) { this.close(row, name); return; }
      edit.busy = true;
      edit.waiting = maakav.whenLate(() => { edit.busy = false; edit.note = this.words.late; });
      this.mine.add(key);
      this.$emit('order', {do: 'save', key, head: row.head, name, seen: edit.seen, raw: edit.draft});
    },
    clashing(row, name) { const edit = this.edits[this.key(row, name)]; return Boolean(edit && !edit.busy && edit.seen !== row.cells[name].value); },
    insist(row, name) { const edit = this.edits[this.key(row, name)]; edit.seen = row.cells[name].value; edit.was = null; this.save(row, name); },
    refusal(row) { return ['off-', 'vat-', 'reason-'].map((order) => this.notes[order + row.head]).find(Boolean); },
    order(what, key) {
      maakav.ordered();
      Object.assign(this, {notes: {}, busy: true});
      this.$emit('order', {...what, key});
    },
    takeOff(row) {
      const sums = Object.fromEntries(Object.entries(row.cells).map(([name, cell]) => [name, cell.value]));
      this.blank = this.blank.filter((head) => head.id !== row.head);
      this.order({do: 'off', head: row.head, sums}, 'off-' + row.head);
      this.off = '';
    },
    add() {
      const head = this.free.find((one) => one.id === this.adding);
      this.adding = '';
      if (!head) return;
      this.blank.push(head);
      this.$nextTick(() => this.open(this.rows.find((row) => row.head === head.id), 'demanded'));
    },
    startOffer() { this.offering = {raw: '', day: this.choices.today, kind: this.choices.kinds[0].id, note: ''}; this.isTyped = false; },
    offer() { this.offered = JSON.stringify(this.offering); this.order({do: 'offer', ...this.offering}, 'offer'); },
    answered({key, message}) {
      this.busy = false;
      this.mine.delete(key);
      const edit = this.edits[key];
      if (!edit) {
        this.notes = message ? {[key]: message} : {};
        // what was put differently since it was sent is not thrown away
        if (key === 'offer' && !message && JSON.stringify(this.offering) === this.offered) this.offering = null;
        return;
      }
      edit.waiting?.();
      edit.busy = false;
      const [head, name] = key.split('.');
      const row = this.rows.find((one) => one.head === head);
      if (message) { edit.note = row && this.clashing(row, name) ? '' : message; this.$nextTick(() => this.inputs[key]?.focus()); return; }
      const here = document.activeElement === document.body || document.activeElement === this.inputs[key];
      if (row) this.close(row, name, here);
      this.saved[key] = true;
      setTimeout(() => { delete this.saved[key]; }, 3000);
    },
  },
};
