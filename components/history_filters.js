/* What one may choose of a claim's history: links, so that each choice has an address; a click on one only asks for other lines. */
export default {
  template: `
    <div class="mk-contents">
      <div class="mk-histbar" data-testid="history-filters"><div v-for="group in groups" :key="group.name" class="mk-seg mk-scrollx" role="group" :aria-label="group.label" :data-testid="'history-' + group.name"><a v-for="choice in group.choices" :key="choice.key" :class="{'mk-on': chosen[group.name] === choice.key}" :aria-current="chosen[group.name] === choice.key ? 'true' : null" :href="address(group.name, choice.key)" :data-testid="'history-' + group.name + '-' + (choice.key || 'all')" @click="choose(group.name, choice.key, $event)">{{ choice.label }}</a></div></div>
      <div v-if="none" class="mk-empty" role="status" data-testid="history-none"><p>{{ words.none }}</p><a class="mk-btn mk-s" :href="addresses['/']" data-testid="history-clear" @click="clear">{{ words.clear }}</a></div>
    </div>`,
  props: {groups: Array, addresses: Object, kind: String, by: String, none: Boolean, words: Object},
  emits: ['choose'],
  computed: {
    chosen() { return {kind: this.kind, by: this.by}; },
  },
  mounted() { this.reveal(); },
  watch: {
    chosen() { this.$nextTick(this.reveal); },
  },
  methods: {
    with(name, key) { return {...this.chosen, [name]: key}; },
    address(name, key) { const {kind, by} = this.with(name, key); return this.addresses[kind + '/' + by]; },
    reveal() { for (const on of this.$el.querySelectorAll('.mk-seg .mk-on')) maakav.reveal(on); },
    choose(name, key, event) { this.go(this.with(name, key), event); },
    clear(event) { this.go({kind: '', by: ''}, event); },
    go(choice, event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(history.state, '', this.addresses[choice.kind + '/' + choice.by]);
      this.$emit('choose', choice);
    },
  },
};
