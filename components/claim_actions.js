/* What one can do with a claim: a row of buttons in its head, or the bar at the bottom of the phone. */
const WHATSAPP = maakav.whatsapp;

export default {
  template: `
    <div :class="bar ? 'mk-abar' : 'mk-contents'" :role="bar ? 'toolbar' : null" :aria-label="bar ? label : null">
      <component v-for="(action, place) in shown" :key="action.key" :is="action.href ? 'a' : 'button'" :type="action.href ? null : 'button'" :href="action.href || null"
        :target="action.away ? '_blank' : null" :rel="action.away ? 'noopener' : null" :data-copy="action.copy || null" :data-testid="'do-' + action.key" :title="bar ? null : action.title"
        :class="looks(action, place)" :disabled="waiting === action.key ? true : null" @click="act(action)">
        <span v-if="action.key === 'whatsapp'" class="mk-wa">${WHATSAPP}</span><span v-else class="mk-ic" :class="{'mk-flip': action.icon === 'send'}" aria-hidden="true">{{ action.icon }}</span><span>{{ bar ? action.brief : action.label }}</span></component>
    </div>`,
  props: {actions: Array, bar: Boolean, label: String},
  emits: ['act'],
  data: () => ({waiting: ''}),
  computed: {
    shown() {  // in the bar what matters most is first, at the thumb
      const main = this.actions.find((action) => action.main) || this.actions[0];
      return this.bar ? [main, ...this.actions.filter((action) => action !== main && !action.desk)] : this.actions;
    },
  },
  watch: { actions() { this.waiting = ''; } },
  methods: {
    looks(action, place) {
      if (!this.bar) return ['mk-btn', action.main ? 'mk-p' : 'mk-s'];
      return place === 0 ? 'mk-btn mk-p mk-xl mk-grow' : 'mk-aib';
    },
    act(action) {
      if (action.href || action.copy) return;
      if (action.tab) return this.open(action.tab);
      if (action.key === 'print') return print();
      this.waiting = action.key;
      setTimeout(() => { this.waiting = ''; }, 1500);
      this.$emit('act', action.key);
    },
    open(tab, left = 30) {  // the tab is drawn when it is first opened; then one writes at once
      const box = document.querySelector(`#panel-${tab}:not(.hidden) textarea`);
      if (box) return box.focus();
      if (left === 30) document.getElementById(`tab-${tab}`).click();
      if (left) setTimeout(() => this.open(tab, left - 1), 100);
    },
  },
};
