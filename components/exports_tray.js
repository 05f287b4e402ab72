/* «Export to Excel», and beside it the workbooks of this person: how far each is, to fetch, to stop, to ask for again. */
const TRAY = `
  <div class="mk-pop mk-xpop" role="dialog" :aria-label="choosing ? words.choose : words.tray" data-testid="exports" @keydown.esc="close">
    <div v-if="choosing" class="mk-menu mk-xchoose" role="group" :aria-label="words.what"><div class="mk-gh">{{ words.what }}</div>
      <button v-for="choice in choices" :key="choice.icon" type="button" class="mk-mi" :data-testid="choice.details ? 'export-details' : 'export-list'" @click="start(choice.details)"><span class="mk-ic" aria-hidden="true">{{ choice.icon }}</span><span class="mk-xwhat"><b>{{ choice.label }}</b><span class="mk-sm mk-t2">{{ choice.hint }}</span></span></button></div>
    <template v-if="items.length"><div class="mk-pop-h"><h2>{{ words.tray }}</h2><span class="mk-sp"></span><button type="button" class="mk-ib mk-sm" :aria-label="words.close" @click="close"><span class="mk-ic" aria-hidden="true">close</span></button></div>
    <ul class="mk-xlist">
      <li v-for="item in placed" :key="item.id" data-testid="export-item" :data-export="item.id" :data-state="item.state">
        <span class="mk-ic mk-xic" :class="'mk-x-' + item.state" aria-hidden="true">{{ icons[item.state] }}</span>
        <div class="mk-grow"><b>{{ item.title }}</b><p class="mk-sm mk-t2"><template v-for="(part, place) in item.parts" :key="place"><span v-if="place"> · </span><bdi class="mk-xpart">{{ part }}</bdi></template></p>
          <progress v-if="item.making" :value="item.total ? item.done : null" :max="item.total || 1" :aria-label="item.parts.join(', ')"></progress></div>
        <button v-if="item.making" type="button" class="mk-btn mk-g mk-sm" data-testid="export-cancel" @click="order('cancel', item)">{{ words.cancel }}</button>
        <a v-if="item.href" class="mk-btn mk-p mk-sm" data-testid="export-download" :href="item.href" download>{{ words.download }}</a>
        <button v-if="item.again" type="button" class="mk-btn mk-s mk-sm" data-testid="export-again" @click="order('again', item)">{{ words.again }}</button>
        <button v-if="!item.making" type="button" class="mk-ib mk-sm" data-testid="export-away" :aria-label="words.away" :title="words.away" @click="order('away', item)"><span class="mk-ic" aria-hidden="true">close</span></button>
      </li>
    </ul>
    <p class="mk-xnote mk-sm mk-t3">{{ words.note }}</p></template>
  </div>`;
const DIALOG = `
  <dialog ref="dialog" @vue:before-unmount="$event.el.close()" class="mk-dlg mk-adlg mk-xdlg" :aria-label="words.export" data-testid="export-confirm" @cancel.prevent="leave" @keydown.esc.prevent="leave">
    <form @submit.prevent="prove"><div class="mk-dh"><h2>{{ words.export }}</h2></div>
      <div class="mk-db"><p>{{ confirm.text }}</p>
        <div class="mk-fld"><label for="export-password">{{ words.password }}</label><div class="mk-inp"><input id="export-password" type="password" v-model="password" autocomplete="current-password" maxlength="256" dir="ltr" required ref="password" data-testid="export-password"></div></div>
        <div v-if="confirm.code" class="mk-fld"><label for="export-code">{{ recovery ? words.recovery : words.code }}</label>
          <div class="mk-inp"><input id="export-code" :key="recovery ? 'recovery' : 'app'" type="text" v-model="code" :inputmode="recovery ? 'text' : 'numeric'" :autocomplete="recovery ? 'off' : 'one-time-code'" maxlength="30" dir="ltr" autocapitalize="off" spellcheck="false" required ref="code" :aria-describedby="recovery ? null : 'export-code-hint'" data-testid="export-code"></div>
          <p v-if="!recovery" id="export-code-hint" class="mk-sm mk-t2">{{ words.codeHint }}</p>
          <button type="button" class="mk-btn mk-lnk mk-sm mk-xother" data-testid="export-other-code" @click="turnCode">{{ recovery ? words.useApp : words.useRecovery }}</button></div>
        <div v-if="error" class="mk-call-out mk-hue-red" role="alert" data-testid="export-error"><span class="mk-ic" aria-hidden="true">error</span><span>{{ error }}</span></div></div>
      <div class="mk-df"><button type="button" class="mk-btn mk-g" @click="stop">{{ words.cancel }}</button><button type="submit" class="mk-btn mk-p" :disabled="asking || !password || (confirm.code && !code.trim()) ? true : null" data-testid="export-go">{{ words.go }}</button></div></form>
  </dialog>`;

export default {
  mixins: [maakav.parts({tray: TRAY, dialog: DIALOG})],
  template: `
    <div class="mk-split mk-xbox" ref="box" @keydown.esc="close">
      <button type="button" class="mk-btn mk-s" data-testid="export" :aria-label="words.export" :title="words.export" @click="$emit('start', false)"><span class="mk-ic" aria-hidden="true">download</span>{{ words.export }}</button>
      <button type="button" class="mk-btn mk-s mk-xtray" data-testid="exports-tray" :aria-label="words.choose" :aria-expanded="String(open)" :title="words.choose" @click="toggle" ref="toggle"><span class="mk-ic" :class="{'mk-spin': busy}" aria-hidden="true">{{ busy ? 'progress_activity' : 'expand_more' }}</span><span class="mk-vh" role="status">{{ spoken }}</span></button>
      <component v-if="open && (choosing || items.length)" :is="part('tray')"></component>
      <component v-if="confirm" :is="part('dialog')"></component>
    </div>`,
  props: {words: Object, choices: Array, items: Array, mine: Array, confirm: Object, turn: Number},
  emits: ['start', 'cancel', 'away', 'again', 'confirmed', 'unconfirmed'],
  data: () => ({
    open: false, choosing: false, places: [], password: '', code: '', recovery: false, error: '', asking: false,
    icons: {waiting: 'schedule', running: 'pending', done: 'task_alt', failed: 'error', cancelled: 'block', expired: 'hourglass_bottom'},
  }),
  computed: {
    busy() { return this.items.some((item) => item.making); },
    /* While they are looked at, each stays where it is: what another window asks for comes below, not under the pointer. */
    placed() {
      const place = ({id}) => (this.places.includes(id) ? this.places.indexOf(id) : this.places.length);
      return [...this.items].sort((one, other) => place(one) - place(other));
    },
    spoken() { return this.items.length && this.mine.includes(this.items[0].id) ? this.items[0].parts.join(', ') : ''; },
  },
  mounted() {
    this.outside = (event) => { if (this.open && !this.$refs.box.contains(event.target)) this.open = false; };
    addEventListener('pointerdown', this.outside);
    this.fetched = new Set();
  },
  unmounted() { removeEventListener('pointerdown', this.outside); },
  watch: {
    turn() {
      Object.assign(this, {open: true, choosing: false});
      this.settle();
    },
    open() { this.settle(); },
    'confirm.turn'(now) {
      Object.assign(this, {password: '', code: '', recovery: false, error: '', asking: false});
      if (now) this.$nextTick(() => this.$refs.dialog.showModal());
    },
    // what was asked for on this page comes by itself; what was left behind waits to be fetched
    items(now) {
      for (const item of now) {
        if (!item.href || !this.mine.includes(item.id) || this.fetched.has(item.id)) continue;
        this.fetched.add(item.id);
        const link = Object.assign(document.createElement('a'), {href: item.href, download: ''});
        link.click();
      }
    },
  },
  methods: {
    settle() { this.places = this.open ? this.items.map((item) => item.id) : []; },
    toggle() { this.open = this.choosing = !this.open; },
    order(what, item) { maakav.ordered(); this.$emit(what, item.id); },
    start(details) { this.close(); this.$emit('start', details); },
    close() { this.open = false; if (this.$refs.toggle) this.$refs.toggle.focus(); },
    /* Escape does not throw away what was typed. The browser would let the third one by: it is taken as a key. */
    leave() { if (!this.password && !this.code) this.stop(); },
    stop() { this.$emit('unconfirmed'); },
    turnCode() {
      Object.assign(this, {recovery: !this.recovery, code: '', error: ''});
      this.$nextTick(() => this.$refs.code.focus());
    },
    async prove() {
      if (this.asking) return;
      Object.assign(this, {asking: true, error: ''});
      const body = new FormData();
      body.append('password', this.password);
      body.append('code', this.code);
      try {
        const answer = await fetch('/files/exports/confirm', {method: 'POST', body});
        const told = await answer.json();
        if (answer.ok) this.$emit('confirmed', {turn: this.confirm.turn, proof: told.proof});
        else this.refused(told);
      } catch {
        this.error = this.words.offline;
      }
      this.asking = false;
    },
    // what was wrong is typed anew, the other field stays
    refused(told) {
      this.error = told.error;
      if (!told.wrong) return;
      this[told.wrong] = '';
      this.$refs[told.wrong].focus();
    },
  },
};
