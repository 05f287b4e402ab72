/* Cheques as cards: sum, day and state; what may be done with one stands under it, a reason is asked for in place. */
export default {
  template: `
    <div class="mk-chqs" data-testid="cheques">
      <p v-if="!cheques.length" class="mk-empty mk-t3">{{ words.none }}</p>
      <article v-for="cheque in cheques" :key="cheque.id" class="mk-chq mk-chqc" :class="{'mk-due': cheque.near && cheque.days >= 0, 'mk-over': cheque.near && cheque.days < 0, 'mk-ended': !cheque.live}" :ref="(element) => { cards[cheque.id] = element; }" data-testid="cheque" :data-cheque="cheque.id" :data-state="cheque.state">
        <span class="mk-icb" :class="'mk-hue-' + (cheque.byClient ? 'violet' : 'green')" aria-hidden="true"><span class="mk-ic">{{ cheque.byClient ? 'arrow_upward' : 'arrow_downward' }}</span></span>
        <div class="mk-grow mk-chq-t">
          <a v-if="cheque.claim.href" class="mk-b" :href="cheque.claim.href" dir="auto">{{ cheque.claim.title }}</a>
          <div class="mk-row mk-wrapr"><b>{{ words.cheque }} <bdi v-if="cheque.no" class="mk-num" dir="ltr">{{ cheque.no }}</bdi></b><span class="mk-sm mk-t2">{{ cheque.direction }}</span>
            <span class="mk-chip mk-tiny" :class="'mk-hue-' + cheque.hue" data-testid="cheque-state"><span class="mk-ic" aria-hidden="true">{{ cheque.icon }}</span>{{ cheque.stateLabel }}</span>
            <span v-if="cheque.waiver" class="mk-chip mk-tiny mk-hue-red" data-testid="cheque-waiver"><span class="mk-ic" aria-hidden="true">front_hand</span>{{ words.waiver }}</span></div>
          <div class="mk-sm mk-t2" dir="auto"><template v-if="cheque.drawer">{{ words.drawer.replace('{name}', cheque.drawer) }}</template><template v-if="cheque.drawer && cheque.payee"> · </template><template v-if="cheque.payee">{{ words.payee.replace('{name}', cheque.payee) }}</template></div>
          <div v-if="cheque.bank" class="mk-sm mk-t3">{{ cheque.bank }}</div>
          <div v-if="cheque.reason || cheque.note" class="mk-sm mk-t2" dir="auto">{{ [cheque.reason, cheque.note].filter(Boolean).join(' · ') }}</div>
          <div v-if="cheque.closed && cheque.live" class="mk-note mk-warn" data-testid="cheque-closed"><span class="mk-ic" aria-hidden="true">event_busy</span><span>{{ cheque.closed }}</span></div>
          <div v-if="cheque.late" class="mk-note mk-warn"><span class="mk-ic" aria-hidden="true">alarm</span><span>{{ words.late }}</span></div>
          <div v-if="cheque.confirmedBy" class="mk-xs mk-t3">{{ words.waiver }} · {{ words.confirmed.replace('{name}', cheque.confirmedBy) }}</div>
          <div class="mk-xs mk-t3">{{ cheque.by }}</div>
        </div>
        <a v-if="cheque.image" class="mk-chq-i" :href="'/files/' + cheque.image" target="_blank" rel="noopener"><img :src="'/files/' + cheque.image + '/pages/1?w=320'" :alt="words.image" loading="lazy"></a>
        <div class="mk-chq-d"><span class="mk-xs mk-t3">{{ words.due }}</span><bdi class="mk-num mk-b" dir="ltr" data-testid="cheque-due">{{ cheque.due }}</bdi>
          <span v-if="cheque.daysText" class="mk-chip mk-tiny" :class="'mk-hue-' + cheque.daysHue" data-testid="cheque-days"><span class="mk-ic" aria-hidden="true">schedule</span>{{ cheque.daysText }}</span></div>
        <b class="mk-chq-a"><bdi class="mk-num" dir="ltr" data-testid="cheque-amount">{{ cheque.amount }}</bdi></b>
        <div v-if="cheque.orders.length || (forms && cheque.live)" class="mk-chq-o">
          <form v-if="asking[cheque.id]" class="mk-row mk-wrapr" @submit.prevent="order(cheque, asking[cheque.id].order, true)" @keydown.esc="delete asking[cheque.id]">
            <template v-if="asking[cheque.id].order.waiver"><span class="mk-note mk-warn" role="alert"><span class="mk-ic" aria-hidden="true">front_hand</span><span>{{ words.askWaiver }}</span></span></template>
            <label v-else class="mk-inp mk-sm"><span class="mk-vh">{{ asking[cheque.id].order.why }}</span><select v-model="asking[cheque.id].reason" required aria-invalid="false" data-testid="cheque-reason"><option value="" disabled>{{ words.choose }}</option><option v-for="[id, label] in asking[cheque.id].order.reasons" :key="id" :value="id">{{ label }}</option></select></label>
            <button type="submit" class="mk-btn mk-p mk-sm" data-testid="cheque-confirm" :disabled="busy ? true : null">{{ asking[cheque.id].order.waiver ? words.confirm : words.save }}</button>
            <button type="button" class="mk-btn mk-g mk-sm" @click="delete asking[cheque.id]">{{ words.cancel }}</button></form>
          <template v-else>
            <button v-for="one in cheque.orders" :key="one.state" type="button" class="mk-btn mk-sm" :class="one.danger ? 'mk-g' : 'mk-s'" :data-testid="'cheque-' + one.state" :disabled="busy ? true : null" @click="order(cheque, one)">{{ one.label }}</button>
            <button v-if="forms && cheque.replaces" type="button" class="mk-btn mk-g mk-sm" data-testid="cheque-replace" @click="$emit('wish', {id: cheque.id, do: 'replace'})">{{ words.replace }}</button>
            <button v-if="forms && cheque.live" type="button" class="mk-minia" data-testid="cheque-edit" :aria-label="words.edit + ' ' + cheque.amount" :title="words.edit" @click="$emit('wish', {id: cheque.id, do: 'edit'})"><span class="mk-ic" aria-hidden="true">edit</span></button></template>
          <p v-if="refused.id === cheque.id && refused.message" class="mk-note mk-e" role="alert"><span class="mk-ic" aria-hidden="true">error</span><span>{{ refused.message }}</span></p></div>
      </article>
    </div>`,
  props: {cheques: Array, answer: Object, forms: Boolean, words: Object},
  emits: ['advance', 'wish'],
  data: () => ({asking: {}, busy: false, refused: {}}),
  created() { this.cards = {}; this.mine = new Set(); this.seen = this.marks(); },
  watch: {
    'answer.turn'() {
      this.busy = false;
      this.refused = this.answer.message ? this.answer : {};
      if (!this.answer.message) delete this.asking[this.answer.id];
    },
    // what somebody else did lights up
    cheques() {
      const marks = this.marks();
      for (const [id, mark] of Object.entries(marks)) {
        if (this.seen[id] === mark) continue;
        if (!this.mine.delete(id)) this.$nextTick(() => maakav.glow(this.cards[id]));
      }
      this.seen = marks;
    },
  },
  methods: {
    marks() { return Object.fromEntries(this.cheques.map((cheque) => [String(cheque.id), String(cheque.version)])); },
    order(cheque, order, answered) {
      if ((order.reasons.length || order.waiver) && !answered) { this.asking[cheque.id] = {order, reason: ''}; this.refused = {}; return; }
      maakav.ordered();
      this.busy = true;
      this.mine.add(String(cheque.id));
      this.$emit('advance', {id: cheque.id, state: order.state, reason: order.reasons.length ? this.asking[cheque.id].reason : '', confirmed: order.waiver});
    },
  },
};
