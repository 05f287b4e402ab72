/* Where the bureau writes a note to itself. What was typed stays until the server says it is kept, also over a reload. */

export default {
  template: `
    <form class="mk-compose mk-inner" @submit.prevent="write"><label class="mk-vh" for="internal-note">{{ words.label }}</label>
      <textarea id="internal-note" v-model="body" :maxlength="limit" rows="2" dir="auto" :placeholder="words.hint" data-testid="internal-note" @keydown.enter.ctrl.prevent="write"></textarea>
      <div class="mk-br"><span class="mk-row mk-xs mk-t2"><span class="mk-ic mk-s16" aria-hidden="true">lock</span><span>{{ words.who }}</span></span><span class="mk-sp"></span>
        <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy || !body.trim() ? true : null" data-testid="write-note">{{ words.write }}</button></div></form>`,
  props: {words: Object, kept: Number, refused: Number, keep: String, limit: Number},
  emits: ['write'],
  data: () => ({body: '', last: null, busy: false}),
  created() {
    try { Object.assign(this, JSON.parse(sessionStorage.getItem('maakav.note.' + this.keep))); } catch { /* private window: nothing was kept */ }
  },
  mounted() {
    this.leaving = (event) => { if (this.unkept) event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
  },
  unmounted() { this.waiting?.(); removeEventListener('beforeunload', this.leaving); },
  watch: {
    body() { this.remember(); },
    kept() { this.waiting?.(); this.body = maakav.behind(this.body, this.last?.text || ''); this.last = null; this.busy = false; },
    refused() { this.waiting?.(); this.busy = false; },
  },
  methods: {
    write() {
      if (!this.body.trim() || this.busy) return;
      this.busy = true;
      this.last = maakav.keyed(this.body, this.last);
      this.remember();
      this.waiting = maakav.whenLate(() => {
        this.busy = false;
        maakav.say(this.words.late, true);
      });
      this.$emit('write', {body: this.body, key: this.last.key});
    },
    remember() {
      if (maakav.leaving) return;
      this.unkept = false;
      try {
        if (this.body) sessionStorage.setItem('maakav.note.' + this.keep, JSON.stringify({body: this.body, last: this.last}));
        else sessionStorage.removeItem('maakav.note.' + this.keep);
      } catch { this.unkept = Boolean(this.body.trim()); }
    },
  },
};
