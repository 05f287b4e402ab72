/* One import: its columns, its words, its rows and its orders. What is chosen lives here until the check begins. */
const ICON = maakav.icon;
const FORM = `
  <section v-if="form" class="mk-card" :aria-label="words.columns" data-testid="import-columns"><div class="mk-hd"><h2>{{ words.columns }}</h2></div><div class="mk-bd mk-stack">
    <p class="mk-sm mk-t2">{{ words.columnsHint }}</p>
    <fieldset class="mk-imp-mode"><legend class="mk-sm mk-b">{{ words.mode }}</legend><label v-for="choice in form.modes" :key="choice[0]" class="mk-tick"><input type="radio" name="import-mode" :value="choice[0]" v-model="mode" :data-testid="'mode-' + choice[0]"><span>{{ choice[1] }}</span></label></fieldset>
    <div class="mk-imp-where"><label v-if="form.sheets.length > 1" class="mk-fld"><span class="mk-sm mk-b">{{ words.sheet }}</span><span class="mk-inp mk-sm"><select :value="form.sheet" data-testid="import-sheet" @change="$emit('place', {sheet: +$event.target.value, heading: 0})"><option v-for="sheet in form.sheets" :key="sheet[0]" :value="sheet[0]">{{ sheet[1] }}</option></select></span></label>
      <label class="mk-fld"><span class="mk-sm mk-b">{{ words.heading }}</span><span class="mk-inp mk-sm"><select :value="form.heading" data-testid="import-heading" @change="$emit('place', {sheet: form.sheet, heading: +$event.target.value})"><option v-for="row in form.headings" :key="row.number" :value="row.number">{{ words.row.replace('{number}', row.number) }}: {{ row.text }}</option></select></span></label></div>
    <ul class="mk-imp-cols"><li v-for="column in form.columns" :key="column.index" :class="{'mk-off': !columns[column.index]}" data-testid="import-column" :data-index="column.index">
      <span class="mk-imp-h"><b dir="auto">{{ column.heading || words.column.replace('{number}', column.index + 1) }}</b><span v-if="column.samples.length" class="mk-sm mk-t3 mk-ell" dir="auto">{{ column.samples.join(' · ') }}</span></span>
      <label class="mk-inp mk-sm"><span class="mk-vh">{{ column.heading || words.column.replace('{number}', column.index + 1) }}</span><select v-model="columns[column.index]"><option value="">{{ words.notRead }}</option><option v-for="field in form.fields" :key="field[0]" :value="field[0]">{{ field[1] }}</option></select></label>
      <span class="mk-xs mk-t3 mk-imp-why">{{ columns[column.index] === column.field ? column.why : '' }}</span></li></ul>
    <div class="mk-row mk-imp-do"><button type="button" class="mk-btn mk-p" :disabled="busy ? true : null" data-testid="import-check" @click="check">${ICON('fact_check')}<span>{{ words.check }}</span></button><span class="mk-sm mk-t3">{{ words.checkHint }}</span></div></div></section>`;
const WORK = `
  <section v-if="working" class="mk-card" data-testid="import-work"><div class="mk-bd mk-stack">
    <div v-if="run.interrupted" class="mk-call-out mk-hue-amber" role="alert">${ICON('warning')}<span>{{ run.step === 'reading' ? words.unread : words.interrupted }}</span></div>
    <template v-if="run.step !== 'reading'"><p class="mk-b" role="status">{{ run.state.label }} {{ run.progress }}</p>
      <span class="mk-bar" role="progressbar" aria-valuemin="0" :aria-valuemax="run.total" :aria-valuenow="run.done" :aria-label="run.state.label"><i :style="{inlineSize: (run.total ? 100 * run.done / run.total : 0) + '%'}"></i></span>
      <div class="mk-row mk-imp-do"><button v-if="run.interrupted" type="button" class="mk-btn mk-p" :disabled="busy ? true : null" data-testid="import-resume" @click="order('resume')">${ICON('play_arrow')}<span>{{ words.resume }}</span></button><button type="button" class="mk-btn mk-s" :disabled="busy ? true : null" data-testid="import-stop" @click="order('stop')">${ICON('stop_circle')}<span>{{ words.stop }}</span></button><span v-if="!run.interrupted" class="mk-sm mk-t3">{{ words.stopHint }}</span></div></template></div></section>`;
const WORDS = `
  <section v-if="unknown.length" class="mk-card" :aria-label="words.unknown" data-testid="import-words"><div class="mk-hd"><h2>{{ words.unknown }}</h2><span class="mk-badge">{{ unknown.length }}</span></div><div class="mk-bd mk-stack"><p class="mk-sm mk-t2">{{ words.unknownHint }}</p>
    <ul class="mk-imp-cols"><li v-for="word in unknown" :key="word.kind + word.word" data-testid="import-word" :data-word="word.word"><span class="mk-imp-h"><b dir="auto">{{ word.column }}: {{ word.word }}</b><span class="mk-sm" :class="word.bad ? 'mk-bad' : 'mk-t3'">{{ word.told }} · {{ word.rows }}</span></span>
      <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.means.replace('{word}', word.word) }}</span><select :value="said[word.kind + ' ' + word.word] || ''" @change="said[word.kind + ' ' + word.word] = $event.target.value"><option value="">{{ words.leave }}</option><option v-for="choice in choices[word.kind]" :key="choice[0]" :value="choice[0]">{{ choice[1] }}</option></select></label></li></ul>
    <div class="mk-row mk-imp-do"><button type="button" class="mk-btn mk-s" :disabled="busy || !taught.length ? true : null" data-testid="import-teach" @click="teach">${ICON('save')}<span>{{ words.teach }}</span></button></div></div></section>`;
const ADDED = `
  <details v-if="added.length" class="mk-card mk-imp-added" :open="added.length < 6 ? true : null" data-testid="import-added"><summary class="mk-hd"><h2>{{ words.added }}</h2><span class="mk-badge">{{ added.length }}</span></summary>
    <ul class="mk-imp-cols mk-bd"><li v-for="word in added" :key="word.kind + word.word"><span class="mk-imp-h"><b dir="auto">{{ word.word }}</b><span class="mk-sm mk-t3">{{ word.told }} · {{ word.rows }}</span></span>
      <label v-if="word.kind === 'new_office'" class="mk-inp mk-sm"><span class="mk-vh">{{ words.means.replace('{word}', word.word) }}</span><select :value="said[word.kind + ' ' + word.word] || ''" @change="said[word.kind + ' ' + word.word] = $event.target.value"><option value="">{{ words.newOffice }}</option><option v-for="choice in choices[word.kind]" :key="choice[0]" :value="choice[0]">{{ choice[1] }}</option></select></label></li></ul>
    <div v-if="taught.length" class="mk-bd"><button type="button" class="mk-btn mk-s" :disabled="busy ? true : null" @click="teach">${ICON('save')}<span>{{ words.teach }}</span></button></div></details>`;
const ROWS = `
  <section v-if="outcomes.length" class="mk-card" :aria-label="words.result" data-testid="import-rows"><div class="mk-hd"><h2>{{ words.result }}</h2></div>
    <div class="mk-imp-tiles" role="group" :aria-label="words.result"><button v-for="outcome in outcomes" :key="outcome.key" type="button" class="mk-imp-tile" :class="{'mk-on': outcome.on}" :aria-pressed="String(outcome.on)" :data-testid="'outcome-' + outcome.key" @click="$emit('show', outcome.key)"><span class="mk-ic" aria-hidden="true">{{ outcome.icon }}</span><b class="mk-num">{{ outcome.count.toLocaleString('en') }}</b><span class="mk-sm">{{ outcome.label }}</span></button></div>
    <ul class="mk-imp-rows"><li v-for="row in rows" :key="row.number" data-testid="import-row" :data-row="row.number">
      <p class="mk-imp-r"><span class="mk-t3 mk-sm">{{ words.row.replace('{number}', row.number) }}</span><a v-if="row.href" class="mk-b" :href="row.href"><bdi class="mk-num" dir="ltr">{{ row.claim }}</bdi></a><bdi v-else class="mk-b mk-num" dir="ltr">{{ row.claim }}</bdi><span class="mk-t2 mk-sm" dir="auto">{{ row.told }}</span><span v-if="row.chip" class="mk-chip mk-tiny" :class="'mk-hue-' + row.chip.hue">{{ row.chip.label }}</span></p>
      <p v-for="(one, place) in row.said" :key="place" class="mk-imp-s" :class="'mk-hue-' + one.hue"><span class="mk-ic" aria-hidden="true">{{ one.icon }}</span><span dir="auto">{{ one.text }}</span></p>
      <p v-for="change in row.changes" :key="change.label" class="mk-sm mk-imp-c"><span class="mk-t3">{{ change.label }}:</span> <span class="mk-ba"><template v-if="change.before"><span class="mk-was" dir="auto">{{ change.before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh">{{ words.became }}</span></template><b dir="auto">{{ change.after }}</b></span></p></li></ul>
    <p v-if="!rows.length" class="mk-empty-line mk-t2">{{ run.forgotten ? words.forgotten : words.none }}</p>
    <div v-if="more" class="mk-tfoot"><button type="button" class="mk-btn mk-g mk-sm" data-testid="import-more" @click="$emit('show', 'more')">{{ words.more }}</button></div></section>`;

export default {
  template: `
    <div class="mk-page mk-imp" data-testid="import" :data-state="run.step">
      <a class="mk-lnk2 mk-row mk-sm" href="/import">${ICON('arrow_forward')}<span>{{ words.back }}</span></a>
      <section class="mk-card"><div class="mk-bd mk-stack"><div class="mk-row mk-imp-t"><h1 dir="auto">{{ run.name }}</h1><span class="mk-chip" :class="'mk-hue-' + run.state.hue" data-testid="import-state">{{ run.state.label }}</span></div><p class="mk-sm mk-t2">{{ run.about }}</p>
        <p v-if="run.came && !working" class="mk-b" data-testid="import-came">{{ run.came }}</p>
        <div v-if="run.earlier" class="mk-call-out mk-hue-blue" data-testid="import-earlier">${ICON('info')}<span>{{ run.earlier }}</span></div>
        <div v-if="run.step === 'checked' && run.kept && run.save" class="mk-call-out mk-hue-amber">${ICON('info')}<span>{{ words.stopped }}</span></div>
        <div v-if="answer && answer.message" class="mk-call-out mk-hue-red" data-testid="import-message">${ICON('error')}<span>{{ answer.message }}</span></div>
        <div class="mk-row mk-imp-do">
          <button v-if="run.step === 'checked'" type="button" class="mk-btn mk-p" :disabled="busy || !run.save ? true : null" data-testid="import-commit" @click="order('commit')">${ICON('save')}<span>{{ run.save || words.nothing }}</span></button>
          <a v-if="run.refusedHref" class="mk-btn mk-s" :href="run.refusedHref" :title="words.refusedHint" data-testid="import-refused">${ICON('download')}<span>{{ words.refused }}</span></a>
          <button v-if="run.step === 'checked'" type="button" class="mk-btn mk-g" :aria-expanded="String(!!form)" data-testid="import-edit" @click="$emit('order', 'edit')">${ICON('tune')}<span>{{ words.edit }}</span></button>
          <button v-if="['ready', 'checked'].includes(run.step) || run.interrupted" type="button" class="mk-btn mk-g" data-testid="import-drop" @click="drop">${ICON('delete')}<span>{{ sure ? words.sure : words.drop }}</span></button></div>
        <p v-if="run.refusedHref" class="mk-sm mk-t3">{{ words.refusedHint }}</p></div></section>
      ${WORK}${FORM}${WORDS}${ROWS}${ADDED}
    </div>`,
  props: {run: Object, form: Object, outcomes: Array, rows: Array, more: Boolean, unknown: Array, added: Array, choices: Object, answer: Object, words: Object},
  emits: ['place', 'show', 'check', 'teach', 'order'],
  data: () => ({columns: {}, mode: '', said: {}, busy: false, sure: false, laid: ''}),
  computed: {
    working() { return ['reading', 'checking', 'committing'].includes(this.run.step); },
    taught() { return [...this.unknown, ...this.added].map((word) => ({kind: word.kind, word: word.word, meaning: this.said[word.kind + ' ' + word.word]})).filter((word) => word.meaning); },
  },
  watch: {
    form: {handler: 'lay', immediate: true},
    'answer.turn'() {
      this.busy = false;
      if (this.answer.message) maakav.say(this.answer.message, true);
    },
    'run.step'() { this.busy = false; this.said = {}; },
  },
  methods: {
    /* Another sheet or row of headings brings other columns; anything else leaves what was chosen alone. */
    lay() {
      const laid = this.form ? JSON.stringify([this.form.sheet, this.form.heading, this.form.columns]) : '';
      if (laid === this.laid) return;
      this.laid = laid;
      if (!this.form) return;
      this.columns = Object.fromEntries(this.form.columns.map((column) => [column.index, column.field]));
      this.mode = this.mode || this.form.mode;
    },
    check() { this.busy = true; this.$emit('check', {mode: this.mode, columns: Object.fromEntries(Object.entries(this.columns).filter((column) => column[1]))}); },
    teach() { this.busy = true; this.$emit('teach', this.taught); },
    order(name) { this.busy = true; this.$emit('order', name); },
    drop() {
      if (!this.sure) { this.sure = true; return; }
      this.sure = false;
      this.order('drop');
    },
  },
};
