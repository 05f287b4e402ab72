/* What looks wrong in a claim. Nothing here holds anybody up: one looks, and says that it is right, or mends it. */
export default {
  template: `
    <section v-if="doubts.length" class="mk-card mk-doubts" :aria-label="words.title" data-testid="doubts"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">fact_check</span><h2>{{ words.title }}</h2></div>
      <ul><li v-for="doubt in doubts" :key="doubt.id" data-testid="doubt" :data-field="doubt.field"><p><b>{{ doubt.label }}:</b> <span dir="auto">{{ doubt.text }}</span></p>
        <button type="button" class="mk-btn mk-g mk-sm" :disabled="busy[doubt.id] ? true : null" data-testid="doubt-right" @click="right(doubt.id)"><span class="mk-ic" aria-hidden="true">check</span>{{ words.right }}</button></li></ul></section>`,
  props: {doubts: Array, words: Object, refused: Number},
  emits: ['right'],
  data: () => ({busy: {}}),
  watch: {refused() { this.busy = {}; }},
  methods: {
    right(id) {
      if (this.busy[id]) return;
      maakav.ordered();
      this.busy[id] = true;
      this.$emit('right', id);
    },
  },
};
