/* A list an admin keeps: find, order, open. A line opens a form in a dialog; what is typed lives here until the server says it is kept. */
const FORM = `
  <dialog v-if="form" ref="dialog" @vue:before-unmount="$event.el.close()" class="mk-dlg mk-adlg" :aria-label="form.title" data-testid="admin-form" @cancel.prevent="leave" @keydown.esc.prevent="leave" @click.self="leave">
    <form :key="form.opened" :data-key="form.key" @submit.prevent="save"><div class="mk-dh"><h2>{{ form.title }}</h2><span class="mk-sp"></span><button type="button" class="mk-ib" :aria-label="words.close" @click="close"><span class="mk-ic" aria-hidden="true">close</span></button></div>
      <div class="mk-db">
        <div v-if="form.message" class="mk-call-out mk-hue-red" role="alert" data-testid="form-message"><span class="mk-ic" aria-hidden="true">error</span><span>{{ form.message }}</span></div>
        <div v-if="form.link" class="mk-call-out mk-hue-green" role="status" data-testid="one-time-link"><div class="mk-grow mk-alink"><b>{{ form.linkNote }}</b><bdi dir="ltr" data-testid="link-address">{{ form.link }}</bdi><span class="mk-row"><button type="button" class="mk-btn mk-p mk-sm" :data-copy="form.link"><span class="mk-ic" aria-hidden="true">content_copy</span>{{ words.copy }}</button></span></div></div>
        <div v-for="field in form.fields" :key="field.name" class="mk-fld"><day-field v-if="field.kind === 'day' && !field.fixed" v-model="values[field.name]" :look="field.required ? 'mk-req' : ''" :label="field.label" :data-testid="'edit-' + field.name" v-bind="said(field)"></day-field><label v-else :for="'a-' + field.name" :class="{'mk-req': field.required}">{{ field.label }}</label>
          <div v-if="field.kind === 'many'" class="mk-pills" role="group" :aria-label="field.label"><label v-for="choice in field.choices" :key="choice[0]" class="mk-tick"><input type="checkbox" class="mk-box" :value="choice[0]" v-model="many[field.name]" :data-testid="'edit-' + field.name + '-' + choice[0]"><span>{{ choice[1] }}</span></label></div>
          <div v-else-if="field.kind !== 'day' || field.fixed" class="mk-inp" :class="{'mk-err': form.errors[field.name]}">
            <select v-if="field.choices" :id="'a-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" :disabled="field.fixed ? true : null" v-bind="said(field)"><option v-if="!field.required || !values[field.name]" value="">{{ field.required ? words.choose : field.none || words.any }}</option><option v-for="choice in field.choices" :key="choice[0]" :value="choice[0]">{{ choice[1] }}</option></select>
            <textarea v-else-if="field.kind === 'long' || field.kind === 'names'" :id="'a-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" :rows="field.name === 'body' ? 8 : 3" :maxlength="field.limit" dir="auto" v-bind="said(field)"></textarea>
            <input v-else :id="'a-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" :maxlength="field.limit" :disabled="field.fixed ? true : null" autocomplete="off" v-bind="{...shape(field), ...said(field)}"></div>
          <p v-if="form.errors[field.name]" :id="'w-' + field.name" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ form.errors[field.name] }}</span></p><p v-else-if="field.help" :id="'w-' + field.name" class="mk-help">{{ field.help }}</p></div>
        <div v-if="Object.keys(form.samples).length" class="mk-aprev"><div class="mk-row mk-reasons" role="group" :aria-label="words.variables"><button v-for="(sample, name) in form.samples" :key="name" type="button" class="mk-btn mk-soft mk-sm" data-testid="variable" @click="insert(name)">{{ sample.label }}</button></div>
          <p class="mk-gh">{{ words.preview }}</p><p class="mk-blet" dir="auto" data-testid="template-preview">{{ preview }}</p></div>
        <p v-if="form.uses" class="mk-sm mk-t2" data-testid="uses">{{ form.uses }}</p>
        <div v-if="form.actions.length" class="mk-aacts"><button v-for="action in form.actions" :key="action.key" type="button" class="mk-btn mk-sm" :class="action.danger ? 'mk-danger' : 'mk-s'" :disabled="busy ? true : null" :data-testid="'act-' + action.key" @click="act(action)"><span class="mk-ic" aria-hidden="true">{{ action.icon }}</span>{{ sure === action.key ? words.sure : action.label }}</button></div><p v-if="held" class="mk-help mk-e" role="alert" data-testid="act-held"><span class="mk-ic" aria-hidden="true">error</span><span>{{ words.held }}</span></p>
        <details v-if="form.history.length"><summary class="mk-sm">{{ words.history }}</summary><ul class="mk-ahist"><li v-for="line in form.history" :key="line.id"><b>{{ line.what }}</b> <span class="mk-t3"><bdi>{{ line.by }}</bdi> · {{ line.when }}</span><span v-for="pair in line.pairs" :key="pair">{{ pair }}</span></li></ul></details>
      </div>
      <div class="mk-df"><button type="button" class="mk-btn mk-g" @click="close">{{ words.close }}</button><button type="submit" class="mk-btn mk-p" :disabled="busy ? true : null" data-testid="admin-save">{{ words.save }}</button></div></form>
  </dialog>`;

export default {
  components: {DayField: maakav.dayField},
  template: `
    <section class="mk-card mk-alist" :aria-label="title" data-testid="admin-list"><div class="mk-hd"><h2>{{ title }}</h2><span class="mk-badge">{{ total }}</span><span class="mk-sp"></span><button v-if="add" type="button" class="mk-btn mk-p mk-sm" data-testid="admin-add" @click="$emit('open', '')"><span class="mk-ic" aria-hidden="true">add</span>{{ add }}</button></div>
      <div class="mk-bd"><p class="mk-sm mk-t2">{{ hint }}</p>
        <div v-if="searched || filters.length" class="mk-row mk-afind"><label v-if="searched" class="mk-sbox"><span class="mk-ic" aria-hidden="true">search</span><input type="search" v-model="typed" maxlength="80" :placeholder="words.search" :aria-label="words.search" data-testid="admin-search" @input="find"></label>
          <select v-for="filter in filters" :key="filter.name" class="mk-size" :aria-label="filter.label" :data-testid="'filter-' + filter.name" @change="$emit('filter', {name: filter.name, value: $event.target.value})"><option value="">{{ filter.label }}</option><option v-for="choice in filter.choices" :key="choice[0]" :value="choice[0]" :selected="choice[0] === filter.value">{{ choice[1] }}</option></select></div></div>
      <ul class="mk-arows"><li v-for="row in rows" :key="row.key" :class="{'mk-off': row.muted}" data-testid="admin-row" :data-key="row.key">
        <button type="button" class="mk-aopen" data-testid="admin-open" @click="$emit('open', row.key)"><b dir="auto">{{ row.label }}</b><span v-if="row.chip" class="mk-chip mk-tiny" :class="'mk-hue-' + row.chip.hue">{{ row.chip.label }}</span><span class="mk-acells"><span v-for="cell in row.cells" :key="cell.label"><span class="mk-t3">{{ cell.label }}</span> <bdi>{{ cell.text }}</bdi></span></span></button>
        <span v-if="ordered" class="mk-row mk-amove"><button type="button" class="mk-ib mk-sm" :aria-label="words.up + ': ' + row.label" :disabled="row.first ? true : null" data-testid="move-up" @click="$emit('move', {key: row.key, down: false})"><span class="mk-ic" aria-hidden="true">arrow_upward</span></button><button type="button" class="mk-ib mk-sm" :aria-label="words.down + ': ' + row.label" :disabled="row.last ? true : null" data-testid="move-down" @click="$emit('move', {key: row.key, down: true})"><span class="mk-ic" aria-hidden="true">arrow_downward</span></button></span></li></ul>
      <p v-if="!rows.length" class="mk-empty-line mk-t2">{{ words.none }}</p>
      <div v-if="pages > 1" class="mk-tfoot"><button type="button" class="mk-btn mk-g mk-sm" :disabled="page < 2 ? true : null" @click="$emit('page', page - 1)">{{ words.previous }}</button><span class="mk-num">{{ page }} / {{ pages }}</span><button type="button" class="mk-btn mk-g mk-sm" :disabled="page >= pages ? true : null" @click="$emit('page', page + 1)">{{ words.next }}</button></div>
      <details v-if="record.length" class="mk-arec" data-testid="table-history"><summary>{{ words.record }}</summary><ul class="mk-ahist mk-bd"><li v-for="line in record" :key="line.id" data-testid="table-change"><b>{{ line.what }}<template v-if="line.label"> · <bdi>{{ line.label }}</bdi></template></b> <span class="mk-t3"><bdi>{{ line.by }}</bdi> · {{ line.when }}</span><span v-for="pair in line.pairs" :key="pair">{{ pair }}</span></li></ul></details>
      ${FORM}
    </section>`,
  props: {title: String, hint: String, total: Number, add: String, searched: Boolean, filters: Array, ordered: Boolean, rows: Array, page: Number, pages: Number, form: Object, record: Array, words: Object},
  emits: ['find', 'filter', 'page', 'open', 'close', 'save', 'act', 'move'],
  data: () => ({typed: '', values: {}, many: {}, begun: {}, busy: false, sure: '', held: false}),
  computed: {
    // a template as somebody will read it; what cannot be filled in stands there as it was typed
    preview() { return (this.values.body || '').replace(/\{([^{}]*)\}/g, (found, name) => (Object.hasOwn(this.form.samples, name) ? this.form.samples[name].text : found)); },
  },
  watch: {
    form(now, before) {
      if (now && before && now.opened === before.opened && now.answered === before.answered) return;  // it comes along with every change of the list
      this.waiting?.();
      this.busy = false;
      this.sure = '';
      this.held = false;
      if (!now) return;
      // what was typed stays; anywhere else stands what others wrote meanwhile
      const typed = before && before.opened === now.opened ? this.typedIn() : {};
      this.fill(now.values);
      this.begun = this.written();
      this.fill({...this.begun, ...typed});
      this.$nextTick(() => {
        if (!this.$refs.dialog.open) this.$refs.dialog.showModal();
        const first = this.$refs.dialog.querySelector('[aria-invalid=true]') || this.$refs.dialog.querySelector('[data-copy]');
        if (first) first.focus();
      });
    },
  },
  unmounted() { this.waiting?.(); },
  methods: {
    said(field) { const wrong = this.form.errors[field.name]; return {'aria-invalid': wrong ? 'true' : null, 'aria-describedby': wrong || field.help ? 'w-' + field.name : null}; },
    shape(field) { return {phone: {type: 'tel'}, email: {inputmode: 'email', dir: 'ltr'}, whole: {inputmode: 'numeric'}, code: {dir: 'ltr'}}[field.kind] || {dir: 'auto'}; },
    find() { clearTimeout(this.finding); this.finding = setTimeout(() => this.$emit('find', this.typed), 250); },
    close() { this.$emit('close'); },
    fill(values) {
      this.values = values;
      this.many = Object.fromEntries(this.form.fields.filter((field) => field.kind === 'many').map((field) => [field.name, (values[field.name] || '').split('\n').filter(Boolean)]));
    },
    written() {
      const ticked = this.form.fields.filter((field) => field.kind === 'many').map((field) => [field.name, field.choices.map((choice) => choice[0]).filter((key) => this.many[field.name].includes(key)).join('\n')]);
      return {...this.values, ...Object.fromEntries(ticked)};
    },
    typedIn() { return Object.fromEntries(Object.entries(this.written()).filter(([name, value]) => value !== this.begun[name])); },
    isTyped() { return Object.keys(this.typedIn()).length > 0; },
    /* Neither Escape nor a click beside it throws away what was typed, or a link that is not shown again. */
    leave() { if (!this.isTyped() && !this.form.link) this.close(); },
    insert(name) {
      const field = this.$refs.dialog.querySelector('#a-body'), text = this.values.body || '', at = field ? field.selectionEnd : text.length;
      this.values.body = `${text.slice(0, at)}{${name}}${text.slice(at)}`;
      this.$nextTick(() => { if (field) { field.focus(); field.setSelectionRange(at + name.length + 2, at + name.length + 2); } });
    },
    save() {
      // a link that is shown once is not put away by saving again what is saved
      if (this.busy || (this.form.link && !this.isTyped())) return;
      this.send('save', this.written(), this.words.late);
    },
    /* An order closes the form: what is typed there must be saved first, or left. */
    act(action) {
      if (this.busy) return;
      this.held = this.isTyped();
      if (this.held) return;
      if (action.href) { window.location.assign(action.href); return; }
      if (action.danger && this.sure !== action.key) { this.sure = action.key; return; }
      this.sure = '';
      this.send('act', action.key, this.words.lateOrder);
    },
    send(order, given, late) {
      maakav.ordered();
      this.busy = true;
      this.waiting = maakav.whenLate(() => { this.busy = false; maakav.say(late, true); });
      this.$emit(order, given);
    },
  },
};
