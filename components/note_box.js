/* Where the bureau writes a note to itself. What was typed stays until the server says it is kept, also over a reload. */

export default {
  template: `
    <form class="mk-compose mk-inner" @submit.prevent="write"><label class="mk-vh" for="internal-note">{{ words.label }}</label>
      <textarea id="internal-note" v-model="body" :maxlength="limit" rows="2" dir="auto" :placeholder="words.hint" data-testid="internal-note" @keydown.enter.ctrl.prevent="write"></textarea>
      <div class="mk-br"><span class="mk-row mk-xs mk-t2"><span class="mk-ic mk-s16" aria-hidden="true">lock</span><span>{{ words.who }}</span></span><span class="mk-sp"></span>
        <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy || !body.trim() ? true : null" data-testid="write-note">{{ words.write }}</button></div></form>`,
  props: {words: Object, answer: Object, keep: String, limit: Number},
  emits: ['write'],
  data: () => ({body: '', last: null, busy: false, number: 0}),
  created() {
    try { Object.assign(this, JSON.parse(sessionStorage.getItem('maakav.note.' + this.keep))); } catch { /* private window: nothing was kept */ }
  },
  mounted() {
    // a reload led away from one that was on its way
    if (this.busy) this.send();
    this.leaving = (event) => { if (this.unkept) event.preventDefault(); };
    addEventListener('beforeunload', this.leaving);
  },
  unmounted() { this.ending?.(); removeEventListener('beforeunload', this.leaving); },
  watch: {
    body() { this.remember(); },
    'answer.turn'() {
      const {message, number} = this.answer;
      // said again, it is answered again: it may be kept though it was refused before
      if (number !== this.number || !this.last || (message && !this.busy)) return;
      this.ending();
      this.busy = false;
      if (message) maakav.say(message, true);
      else {
        this.body = maakav.behind(this.body, this.last.text);
        this.last = null;
      }
      this.remember();
    },
  },
  methods: {
    write() {
      if (!this.body.trim() || this.busy) return;
      this.last = maakav.keyed(this.body, this.last);
      this.send();
    },
    send() {
      maakav.ordered();
      this.busy = true;
      this.number += 1;
      this.remember();
      const letter = {body: this.last.text, key: this.last.key, number: this.number};
      this.ending = maakav.insist(() => this.$emit('write', letter), () => maakav.say(this.words.going, true));
    },
    remember() {
      if (maakav.leaving) return;
      this.unkept = false;
      try {
        if (this.body || this.busy) sessionStorage.setItem('maakav.note.' + this.keep, JSON.stringify({body: this.body, last: this.last, busy: this.busy}));
        else sessionStorage.removeItem('maakav.note.' + this.keep);
      } catch { this.unkept = Boolean(this.body.trim()); }
    },
  },
};
