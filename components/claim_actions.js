/* What one can do with a claim: a row of buttons in its head, or the bar at the bottom of the phone. */
const WHATSAPP = `<svg class="mk-icv" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d="M12.04 2a9.9 9.9 0 0 0-8.5 15L2.2 21.8l4.9-1.3A9.9 9.9 0 1 0 12.04 2Zm0 1.8a8.1 8.1 0 1 1-4.1 15.1l-.3-.2-2.9.8.8-2.8-.2-.3a8.1 8.1 0 0 1 6.7-12.6Zm-3 4.1c-.2 0-.5.1-.7.3-.3.3-.9.9-.9 2.1 0 1.3.9 2.5 1 2.6.2.2 1.8 2.8 4.5 3.8 2.2.9 2.7.7 3.2.7.5-.1 1.5-.6 1.7-1.2.2-.6.2-1.1.2-1.2-.1-.1-.3-.2-.5-.3l-1.7-.8c-.3-.1-.4-.1-.6.1l-.8 1c-.1.2-.3.2-.5.1-.3-.1-1.1-.4-2-1.2-.8-.7-1.3-1.5-1.4-1.8-.2-.2 0-.4.1-.5l.4-.5.2-.4v-.4l-.8-1.9c-.2-.4-.4-.5-.6-.5h-.4Z"/></svg>`;

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
      return this.bar ? [main, ...this.actions.filter((action) => action !== main)] : this.actions;
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
