/* What to do to the selected rows: a bar while some are selected, a dialog that says what would change, and how far it is. */
// as many of what may be ordered as fit into two lines of a phone beside the export; the others come behind «more»
const AT_HAND = 3;
const GROUPS = (of) => `<ul class="mk-bgs" v-if="${of}.groups.length"><li v-for="group in ${of}.groups" :key="group.why" data-testid="bulk-left"><b>{{ group.why }}</b> <span class="mk-badge">{{ group.count }}</span><span class="mk-bnos"><bdi v-for="no in group.numbers" :key="no" class="mk-num" dir="ltr">{{ no }}</bdi><span v-if="group.more" class="mk-t3">{{ words.more.replace('{n}', group.more) }}</span></span></li></ul>`;
const ORDER = `
  <div class="mk-bulk mk-bdone" data-testid="bulk-order" :data-running="String(order.running)">
    <span class="mk-ic" aria-hidden="true">{{ order.running ? 'pending' : 'task_alt' }}</span>
    <div class="mk-grow" role="status"><b>{{ order.title }}</b> <span v-if="order.left" class="mk-t2">· {{ order.left }}</span><span v-if="order.running" class="mk-t2"> · {{ words.leave }}</span>
      <progress v-if="order.running" :value="order.settled" :max="order.total" :aria-label="order.title"></progress></div>
    <details v-if="!order.running && order.groups.length" class="mk-bdet"><summary class="mk-btn mk-g mk-sm" data-testid="bulk-details">{{ words.details }}</summary><div class="mk-pop">${GROUPS('order')}</div></details>
    <button v-if="!order.running" type="button" class="mk-ib mk-sm" :aria-label="words.close" data-testid="bulk-away" @click="$emit('away')"><span class="mk-ic" aria-hidden="true">close</span></button>
  </div>`;
const BAR = `
  <div class="mk-bulk" role="region" :aria-label="words.bar" data-testid="bulk-bar" @keydown.esc="unpick">
    <button type="button" class="mk-ib mk-sm" :aria-label="words.unpick" data-testid="bulk-unpick" @click="unpick"><span class="mk-ic" aria-hidden="true">close</span></button>
    <b role="status" data-testid="bulk-count">{{ countText }}</b>
    <button v-if="offersAll && !all && total > numbers.length" type="button" class="mk-btn mk-lnk mk-sm" data-testid="bulk-all" @click="pickAll">{{ words.all.replace('{n}', totalText) }}</button>
    <span class="mk-sp"></span>
    <button v-for="action in actions.slice(0, ${AT_HAND})" :key="action.key" type="button" class="mk-btn mk-s mk-sm" :data-testid="'bulk-' + action.key" :disabled="isBlocked(action)" @click="begin(action)"><span class="mk-ic" aria-hidden="true">{{ action.icon }}</span><span>{{ action.label }}</span></button>
    <span v-if="exports" class="mk-split mk-bexp"><button type="button" class="mk-btn mk-s mk-sm" data-testid="bulk-export" @click="carry(false)"><span class="mk-ic" aria-hidden="true">download</span><span>{{ exports }}</span></button>
      <details class="mk-drop" @keydown.esc.stop="shut"><summary class="mk-btn mk-s mk-sm" :aria-label="words.exportChoices" :title="words.exportChoices" data-testid="bulk-export-choices"><span class="mk-ic" aria-hidden="true">expand_less</span></summary>
        <div class="mk-pop mk-menu mk-xchoose" role="group" :aria-label="words.exportChoices"><button v-for="choice in exportChoices" :key="choice.icon" type="button" class="mk-mi" :data-testid="choice.details ? 'bulk-export-details' : 'bulk-export-list'" @click="shut($event); carry(choice.details)"><span class="mk-ic" aria-hidden="true">{{ choice.icon }}</span><span class="mk-xwhat"><b>{{ choice.label }}</b><span class="mk-sm mk-t2">{{ choice.hint }}</span></span></button></div></details></span>
    <details v-if="actions.length > ${AT_HAND}" class="mk-drop mk-bmore" @keydown.esc.stop="shut"><summary class="mk-btn mk-s mk-sm" data-testid="bulk-more" :aria-label="words.moreActions" :title="words.moreActions"><span class="mk-ic" aria-hidden="true">more_horiz</span></summary>
      <div class="mk-pop mk-menu" role="group" :aria-label="words.moreActions"><button v-for="action in actions.slice(${AT_HAND})" :key="action.key" type="button" class="mk-mi" :data-testid="'bulk-' + action.key" :disabled="isBlocked(action)" @click="shut($event); begin(action)"><span class="mk-ic" aria-hidden="true">{{ action.icon }}</span><span>{{ action.label }}</span></button></div></details>
  </div>`;
const DIALOG = `
  <dialog ref="dialog" @vue:before-unmount="$event.el.close()" class="mk-dlg mk-adlg" :aria-label="doing.label" data-testid="bulk-dialog" @cancel.prevent="leave" @keydown.esc.prevent="leave" @click.self="leave">
    <form @submit.prevent="go"><div class="mk-dh"><h2>{{ doing.label }}</h2><span class="mk-sp"></span><span class="mk-t2">{{ countText }}</span></div>
      <div class="mk-db">
        <div v-if="offered" class="mk-fld"><label for="bulk-value">{{ words[label] }}</label><div class="mk-inp"><select id="bulk-value" v-model="value" data-testid="bulk-value" @change="reason = ''; ask()"><option value="" disabled>{{ words.choose }}</option><option v-for="choice in offered" :key="choice.key" :value="choice.key">{{ choice.label }}</option></select></div></div>
        <div v-if="chosen && chosen.reason" class="mk-fld"><label for="bulk-reason" class="mk-req">{{ words.reason }}</label><div class="mk-inp"><input id="bulk-reason" v-model="reason" dir="auto" autocomplete="off" data-testid="bulk-reason" @input="later"></div><div class="mk-row mk-reasons"><button v-for="text in chosen.reasons" :key="text" type="button" class="mk-btn mk-soft mk-sm" @click="reason = text; ask()">{{ text }}</button></div></div>
        <p v-if="chosen && chosen.closes" class="mk-sm mk-t2">{{ words.closes }}</p>
        <p v-if="chosen && chosen.body" class="mk-blet" dir="auto">{{ chosen.body }}</p>
        <div v-if="plan && plan.turn === turn" role="status">
          <div v-if="plan.error" class="mk-call-out mk-hue-red" data-testid="bulk-error"><span class="mk-ic" aria-hidden="true">error</span><span>{{ plan.error }}</span></div>
          <template v-else><p class="mk-bsum" data-testid="bulk-plan"><b>{{ plan.title }}</b><span v-if="plan.left" class="mk-t2"> · {{ plan.left }}</span></p>${GROUPS('plan')}<p v-if="plan.note" class="mk-sm mk-t2">{{ plan.note }}</p></template>
        </div>
        <p v-else-if="isAsked" class="mk-t2" role="status">{{ words.counting }}</p>
      </div>
      <div class="mk-df"><button type="button" class="mk-btn mk-g" @click="stop">{{ words.cancel }}</button><button type="submit" class="mk-btn mk-p" :disabled="ready ? null : true" data-testid="bulk-go">{{ words.do }}</button></div></form>
  </dialog>`;

export default {
  mixins: [maakav.parts({order: ORDER, bar: BAR, dialog: DIALOG})],
  template: `
    <div class="mk-contents">
      <component v-if="order" :is="part('order')"></component>
      <component v-if="all || numbers.length" :is="part('bar')"></component>
      <component v-if="doing" :is="part('dialog')"></component>
    </div>`,
  props: {words: Object, actions: Array, choices: Object, plan: Object, order: Object, total: Number, totalText: String, exports: String, exportChoices: Array},
  emits: ['plan', 'order', 'away', 'export', 'pack'],
  data: () => ({numbers: [], all: false, offersAll: false, doing: null, value: '', reason: '', turn: 0, isAsked: false, sent: false}),
  computed: {
    countText() { return this.all ? this.words.isAll.replace('{n}', this.totalText) : this.numbers.length === 1 ? this.words.one : this.words.many.replace('{n}', this.numbers.length); },
    offered() { return this.choices[this.doing.key]; },
    label() { return {assign: 'colleague', status: 'status', message: 'letter'}[this.doing.key]; },
    chosen() { return this.offered && this.offered.find((choice) => choice.key === this.value); },
    ready() { return !this.sent && this.plan && this.plan.turn === this.turn && this.plan.ready > 0; },
  },
  mounted() {
    this.take = (event) => { Object.assign(this, event.detail); };
    addEventListener('maakav:picked', this.take);
  },
  unmounted() { removeEventListener('maakav:picked', this.take); clearTimeout(this.waiting); },
  watch: {
    // the order was taken, however late: what it is about is no longer selected
    order(now) { if (now && now.key === this.key) { this.key = ''; this.stop(); this.unpick(); } },
  },
  methods: {
    shut(event) { const box = event.target.closest('details'); box.open = false; box.querySelector('summary').focus(); },
    carry(details) { this.$emit('export', {all: this.all, numbers: this.all ? [] : this.numbers, details}); },
    unpick() { dispatchEvent(new CustomEvent('maakav:unpick')); },
    pickAll() { dispatchEvent(new CustomEvent('maakav:pickall')); },
    /* While one order runs there is no other; taking files away is none. */
    isBlocked(action) { return action.key !== 'pack' && this.order && this.order.running ? true : null; },
    begin(action) {
      if (action.key === 'pack') {
        this.$emit('pack', {all: this.all, numbers: this.all ? [] : this.numbers});
        return;
      }
      Object.assign(this, {doing: action, value: '', reason: '', isAsked: false, sent: false, turn: this.turn + 1});
      // drawn once for each time the dialog opens: two clicks are one order
      this.key = maakav.freshKey();
      this.$nextTick(() => this.$refs.dialog.showModal());
      if (!this.choices[action.key]) this.ask();
    },
    later() { clearTimeout(this.waiting); this.turn++; this.waiting = setTimeout(this.ask, 300); },
    ask() {
      clearTimeout(this.waiting);
      this.turn++;
      this.isAsked = !this.chosen || !this.chosen.reason || !!this.reason.trim();
      if (!this.isAsked || !this.doing) return;
      this.$emit('plan', {turn: this.turn, action: this.doing.key, value: this.value, reason: this.reason, all: this.all, numbers: this.all ? [] : this.numbers});
    },
    /* Neither Escape nor a click beside it throws away the reason that was typed. The browser would let the third Escape by: it is taken as a key. */
    leave() { if (!this.reason.trim()) this.stop(); },
    stop() { clearTimeout(this.waiting); this.doing = null; this.sent = false; },
    go() {
      if (!this.ready) return;
      maakav.ordered();
      this.sent = true;
      this.$emit('order', {turn: this.turn, key: this.key});
      setTimeout(() => { this.sent = false; }, 4000);
    },
  },
};
