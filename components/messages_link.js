export default {
  template: `
    <a class="mk-ib mk-msgl" href="/messages" data-testid="messages-link" :aria-label="count ? label + ', ' + text : label" :title="label">
      <span class="mk-ic mk-s22" aria-hidden="true">chat</span><b class="mk-cnt" data-testid="messages-count" v-if="count">{{ count > 99 ? '99+' : count }}</b>
      <span class="mk-vh" role="status" aria-live="polite">{{ said }}</span></a>`,
  props: {count: Number, label: String, words: Object},
  data: () => ({said: ''}),
  computed: { text() { return this.count === 1 ? this.words.one : this.words.many.replace('{n}', this.count); } },
  mounted() { this.show(); },
  watch: { count(now, before) { this.show(); if (now > before) this.said = this.text; } },
  methods: {
    show() {
      for (const badge of document.querySelectorAll('[data-messages-count]')) {
        badge.textContent = this.count > 99 ? '99+' : this.count;
        badge.hidden = !this.count;
      }
    },
  },
};
