/* The form that opens a claim. What is typed stays in the browser until it is opened; each field is checked when one leaves it. */
export default {
  template: `
    <form class="mk-page" data-testid="new-claim" novalidate @submit.prevent="submit">
      <div v-if="message" class="mk-call-out mk-hue-red" role="alert" data-testid="form-message"><span class="mk-ic" aria-hidden="true">error</span><span>{{ message }}</span></div>
      <p v-if="lead" class="mk-t2">{{ lead }}</p>
      <section v-for="group in groups" :key="group.key" class="mk-card" :aria-label="group.title"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">{{ group.icon }}</span><h2>{{ group.title }}</h2></div>
        <div class="mk-bd mk-form"><div v-for="field in group.fields" :key="field.name" class="mk-fld" :class="{'mk-all': field.editor === 'long'}">
          <label :for="'new-' + field.name" :class="{'mk-req': field.required}">{{ field.label }}</label>
          <div class="mk-inp" :class="{'mk-err': told.errors[field.name]}">
            <select v-if="field.choices" :id="'new-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" v-bind="said(field)" @change="check(field.name)"><option value="">{{ field.hint || '—' }}</option><option v-for="choice in offered(field)" :key="choice.value" :value="String(choice.value)">{{ choice.label }}</option></select>
            <textarea v-else-if="field.editor === 'long'" :id="'new-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" rows="3" :maxlength="field.limit" dir="auto" v-bind="said(field)" @blur="check(field.name)"></textarea>
            <input v-else :id="'new-' + field.name" :data-testid="'edit-' + field.name" v-model="values[field.name]" v-bind="{...shape(field), ...said(field)}" @input="touched(field.name)" @change="check(field.name)" @blur="check(field.name)">
            <template v-if="field.editor === 'day'"><input type="date" class="mk-vh" tabindex="-1" aria-hidden="true" :max="today"><button type="button" class="mk-ib" data-calendar :aria-label="words.pickDay"><span class="mk-ic" aria-hidden="true">calendar_month</span></button></template></div>
          <p v-if="told.errors[field.name]" :id="'said-' + field.name" class="mk-help mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ told.errors[field.name] }}</span></p>
          <p v-else-if="told.doubts[field.name]" :id="'said-' + field.name" class="mk-help">{{ told.doubts[field.name] }}</p></div></div></section>
      <div v-if="told.duplicates.length" class="mk-call-out mk-hue-amber" role="alert" data-testid="duplicates"><span class="mk-ic" aria-hidden="true">warning</span><div class="mk-grow"><b>{{ words.duplicate }}</b>
        <ul><li v-for="claim in told.duplicates" :key="claim.href"><a :href="claim.href" target="_blank" rel="noopener"><bdi class="mk-num" dir="ltr">{{ claim.no }}</bdi></a> · <span dir="auto">{{ claim.name }}</span> · <bdi class="mk-num" dir="ltr">{{ claim.day }}</bdi> · {{ claim.status }}</li></ul>
        <label class="mk-tick"><input type="checkbox" class="mk-box" v-model="sure" data-testid="confirm-duplicate"><span>{{ words.sure }}</span></label></div></div>
      <p class="mk-sm mk-t3" data-testid="privacy">{{ words.privacy }}</p>
      <div class="mk-form-f"><a class="mk-btn mk-lg mk-g" href="/">{{ words.cancel }}</a><button type="submit" class="mk-btn mk-lg mk-p" :disabled="busy ? true : null" data-testid="open-claim"><span class="mk-ic" :class="{'mk-spin': busy}" aria-hidden="true">{{ busy ? 'progress_activity' : 'add' }}</span>{{ words.open }}</button></div>
    </form>`,
  props: {lead: String, groups: Array, errors: Object, doubts: Object, duplicates: Array, message: String, words: Object, today: String, preset: Object, answered: Number},
  emits: ['check', 'submit'],
  data: () => ({values: {}, told: {errors: {}, doubts: {}, duplicates: []}, busy: false, sure: false}),
  created() {
    for (const group of this.groups) for (const field of group.fields) this.values[field.name] = (this.preset || {})[field.name] || '';
    this.asked = {};
  },
  mounted() {
    this.leaving = (event) => { if (!this.busy && Object.entries(this.values).some(([name, value]) => value && value !== (this.preset || {})[name])) event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
    this.$el.querySelector('[data-testid^=edit-]').focus();
  },
  unmounted() { removeEventListener('beforeunload', this.leaving); },
  watch: {
    answered() {
      this.busy = false;
      this.$nextTick(() => { const wrong = this.$el.querySelector('[aria-invalid=true]') || this.$el.querySelector('[data-testid=confirm-duplicate]'); if (wrong) wrong.focus(); });
    },
    errors: 'tell',
    doubts: 'tell',
    duplicates(now, before) {
      if (JSON.stringify(now) !== JSON.stringify(before)) this.sure = false;  // they come along with every answer
      this.tell();
    },
  },
  methods: {
    tell() { maakav.afterPress(() => { this.told = {errors: this.errors, doubts: this.doubts, duplicates: this.duplicates}; }); },
    offered(field) { return field.choices.filter((choice) => !choice.office || !('office' in this.values) || String(choice.office) === this.values.office); },
    said(field) {
      const told = this.told.errors[field.name] || this.told.doubts[field.name];
      return {'aria-invalid': this.told.errors[field.name] ? 'true' : null, 'aria-describedby': told ? `said-${field.name}` : null, 'aria-required': field.required ? 'true' : null};
    },
    shape: maakav.shapeOf,
    touched(name) { if (name === 'plate' || name === 'event_date') this.sure = false; },
    check(name) {
      if (this.asked[name] === this.values[name] && name !== 'office') return;
      this.asked[name] = this.values[name];
      if (name === 'office') this.values.agent = '';
      this.$emit('check', {name, values: {...this.values}});
    },
    submit() {
      if (this.busy) return;
      this.busy = true;
      this.$emit('submit', {values: {...this.values}, sure: this.sure});
    },
  },
};
