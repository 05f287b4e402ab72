/* «Done. Undo?» for as long as the server says it can be undone. */
export default {
  template: `
    <div v-if="open" class="mk-tstack mk-undo" role="status"><div class="mk-toast" data-testid="undo-toast"><span class="mk-ic" aria-hidden="true">check_circle</span><span>{{ text }}</span>
      <button type="button" class="mk-act" data-testid="undo" @click="undo">{{ words.undo }}</button><button type="button" class="mk-ic mk-x" :aria-label="words.close" @click="open = false">close</button></div></div>`,
  props: {turn: Number, text: String, seconds: Number, words: Object},
  emits: ['undo'],
  data: () => ({open: false}),
  watch: {
    turn() {
      clearTimeout(this.ending);
      this.open = this.seconds > 0;
      if (this.open) this.ending = setTimeout(() => { this.open = false; }, Math.min(this.seconds, 60) * 1000);
    },
  },
  unmounted() { clearTimeout(this.ending); },
  methods: {
    undo() {
      this.open = false;
      this.$emit('undo');
    },
  },
};
