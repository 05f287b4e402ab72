/* What changed since the last visit: how much, and a walk from one change to the next. */
export default {
  template: `
    <div v-if="count" class="mk-chgbar" data-testid="changes-since" role="region" :aria-label="words.title"><span class="mk-ic mk-s18" aria-hidden="true">history</span>
      <span><b>{{ counted }}</b> {{ since }}</span><span class="mk-sp"></span>
      <span v-if="place" class="mk-t3 mk-sm" role="status"><bdi class="mk-num" dir="ltr">{{ place }}/{{ total }}</bdi></span>
      <button type="button" data-testid="walk-changes" @click="walk">{{ words.walk }}</button><span class="mk-t3 mk-hide-xs" aria-hidden="true">·</span><button type="button" data-testid="changes-read" @click="$emit('read')">{{ words.read }}</button></div>`,
  props: {count: Number, counted: String, since: String, words: Object},
  emits: ['read'],
  data: () => ({place: 0, total: 0}),
  methods: {
    async walk() {
      const changed = [...document.querySelectorAll('[data-changed=true]')];
      if (!changed.length) return;
      this.total = changed.length;
      this.place = this.place >= changed.length ? 1 : this.place + 1;
      const row = changed[this.place - 1];
      // a folded section of the phone opens first
      const folded = row.closest('.mk-sec:not(.mk-open)');
      if (folded) { folded.querySelector('.mk-chev').click(); await this.$nextTick(); }
      for (const other of document.querySelectorAll('.mk-ringed')) other.classList.remove('mk-ringed');
      row.classList.add('mk-ringed');
      row.scrollIntoView({block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'});
      setTimeout(() => row.classList.remove('mk-ringed'), 4000);
    },
  },
};
