/* What is typed and stands in no field just now: a form that waits while another one is filled in, a reason of what is not shown.
   It stays where it belongs and outlives a reload, for its person and under what the component is told in `keep`. */
const SLOT = 'maakav.aside.';

/* For a component whose `toKeep` says what, or null. */
export const keeping = {
  mounted() { addEventListener('pagehide', this.remember); document.addEventListener('visibilitychange', this.remember); },
  unmounted() { removeEventListener('pagehide', this.remember); document.removeEventListener('visibilitychange', this.remember); },
  methods: {
    remembered() {
      try { return JSON.parse(sessionStorage.getItem(SLOT + this.keep)) || {}; } catch { return {}; }
    },
    remember() {
      if (maakav.leaving) return;
      const kept = this.toKeep();
      try {
        if (kept) sessionStorage.setItem(SLOT + this.keep, JSON.stringify({...kept, at: Date.now()}));
        else sessionStorage.removeItem(SLOT + this.keep);
      } catch { /* a private window keeps nothing */ }
    },
  },
};

/* For one form that is opened for one thing after another: what was being written there waits until the other is done. `parts`
   are what of the component belongs to one form, beside its `draft`; `same` says of two forms that they are about one thing;
   the component's own `blank` is called when nothing waits, and `renew` when something is opened again that is begun already. */
export const setAside = (parts, same) => ({
  mixins: [keeping],
  data: () => ({draft: {}, begun: '{}', refused: '', busy: false, aside: [], taken: 0, orders: [], number: 0}),
  unmounted() { this.waiting?.(); },
  methods: {
    written() { return Object.fromEntries(['draft', 'begun', 'refused', ...parts].map((part) => [part, this[part]])); },
    touched(one) { return JSON.stringify(one.draft) !== one.begun; },
    stays() { return this.touched(this); },
    take(written) {
      Object.assign(this, {refused: ''}, written);
      this.taken += 1;
    },
    /* What is begun of it already goes on. */
    open(fresh) {
      if (same(this, fresh) && this.touched(this)) {
        this.renew(this, fresh);
        return;
      }
      if (this.stays()) this.aside.push(this.written());
      const place = this.aside.findIndex((one) => same(one, fresh));
      const [waits] = place < 0 ? [{...fresh, begun: JSON.stringify(fresh.draft)}] : this.aside.splice(place, 1);
      if (place >= 0) this.renew(waits, fresh);
      this.take(waits);
    },
    renew() {},
    escape() { if (!this.touched(this)) this.cancel(); },
    /* What waits comes back, the last one first. */
    resume() { if (this.aside.length) this.take(this.aside.pop()); else this.blank(); },
    toKeep() {
      // also what stands in the form: a reload fills its fields, but not what it is about
      const aside = [...this.aside, this.written()].filter(this.touched), going = this.orders.find((order) => order.insists);
      return aside.length || going ? {aside, last: this.last, going} : null;
    },
    recall() {
      const {aside = [], last, going} = this.remembered();
      Object.assign(this, {aside, last});
      if (aside.length) this.resume();
      if (going) this.say(going);
    },
    /* What is in the form is sent as this. When it `insists`, it has a key, and is said until it is answered, also after a reload. */
    send(letter, insists = false) {
      maakav.ordered();
      this.refused = '';
      this.say({...this.written(), sent: JSON.stringify(this.draft), letter, insists});
    },
    /* Its number comes back with its answer. */
    say(order) {
      this.busy = true;
      order.number = this.number += 1;
      this.orders.push(order);
      this.waiting?.();
      const say = () => this.$emit('save', {...order.letter, number: order.number});
      if (order.insists) {
        this.waiting = maakav.insist(say, () => this.refuse(this.words.going, order));
        return;
      }
      this.waiting = maakav.whenLate(() => { this.busy = false; this.refuse(this.words.late, order); });
      say();
    },
    /* Which order it is an answer to: it may come so late that another one is on its way. */
    answered({number, message}) {
      const order = this.orders.find((one) => one.number === number);
      if (!order) return null;
      this.orders = this.orders.filter((one) => one !== order);
      if (number === this.number) {
        this.waiting();
        this.busy = false;
      }
      this.refuse(message, order);
      return order;
    },
    /* A refusal stands on the form that was sent, though another may be open by now. */
    refuse(message, order) {
      const sent = [this, ...this.aside].find((one) => one.draft === order.draft);
      if (sent) sent.refused = message;
      if (message && sent !== this) maakav.say(message, true);
    },
    /* What is kept waits no more; `goOn` makes something else of what was typed on there since it was sent. Whether it was what is in the form. */
    done(order, goOn) {
      const isKept = (one) => same(one, order) && JSON.stringify(one.draft) === order.sent;
      this.aside = this.aside.filter((one) => !isKept(one));
      if (isKept(this)) {
        this.resume();
        return true;
      }
      for (const one of [this, ...this.aside]) if (same(one, order)) goOn(one);
      return false;
    },
  },
});
