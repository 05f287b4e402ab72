/* What the matrix may learn. Nothing is added by itself: somebody looks at the claims, and takes it or leaves it out. */
export default {
  template: `
    <section v-if="proposals.length" class="mk-card" :aria-label="words.title" data-testid="proposals"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">fact_check</span><h2>{{ words.title }}</h2><span class="mk-badge">{{ proposals.length }}</span></div>
      <div class="mk-bd"><p class="mk-sm mk-t2">{{ words.hint }}</p></div>
      <ul class="mk-props"><li v-for="one in proposals" :key="one.key" data-testid="proposal" :data-key="one.key">
        <div><p><b>{{ one.title }}</b></p><div class="mk-row"><span v-for="place in one.where" :key="place" class="mk-chip mk-tiny mk-hue-slate">{{ place }}</span></div>
          <p class="mk-sm mk-t2">{{ one.asked }} <template v-for="(claim, place) in one.claims" :key="claim.no"><template v-if="place">, </template><a :href="claim.href"><bdi class="mk-num" dir="ltr">{{ claim.no }}</bdi></a></template><template v-if="one.more">{{ ' ' + one.more }}</template></p></div>
        <div class="mk-row"><button type="button" class="mk-btn mk-p mk-sm" :disabled="busy ? true : null" :aria-label="words.approve + ': ' + one.title" data-testid="proposal-approve" @click="decide('approve', one)"><span class="mk-ic" aria-hidden="true">add</span>{{ words.approve }}</button>
          <button type="button" class="mk-btn mk-g mk-sm" :disabled="busy ? true : null" :aria-label="words.decline + ': ' + one.title" data-testid="proposal-decline" @click="decide('decline', one)">{{ words.decline }}</button></div></li></ul></section>`,
  mixins: [maakav.ordering],
  props: {proposals: Array, answer: Object, words: Object},
  emits: ['decide'],
  watch: {
    'answer.turn'() {
      this.answered(this.answer);
      const {message, said} = this.answer;
      maakav.say(message || said, Boolean(message));
    },
  },
  methods: {
    decide(order, {key}) {
      if (!this.busy) this.$emit('decide', {order, key, number: this.numbered(`${order} ${key}`)});
    },
  },
};
