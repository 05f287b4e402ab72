/* Links to the claim for people without an account: what stands open, a new one with its QR code, and how to hand it on. */
const {icon: ICON, whatsapp: WHATSAPP} = maakav;

export default {
  template: `
    <section v-if="kinds.length" class="mk-card mk-lks" :aria-label="words.title" data-testid="links">
      <div class="mk-hd">${ICON('qr_code_2', ' mk-lead')}<h2>{{ words.title }}</h2></div>
      <div class="mk-bd mk-stack"><p class="mk-sm mk-t2">{{ words.lead }}</p>
        <form v-for="kind in kinds" :key="kind.purpose" class="mk-lk-f" @submit.prevent="make(kind.purpose)"><span class="mk-row mk-grow"><span class="mk-ic" aria-hidden="true">{{ kind.icon }}</span><b>{{ kind.label }}</b></span>
          <label v-if="kind.purpose === 'insured'" class="mk-inp mk-sm"><span class="mk-vh">{{ words.phone }}</span><input v-model="phone" type="tel" dir="ltr" maxlength="40" :placeholder="words.phone" data-testid="link-phone"></label>
          <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy ? true : null" :data-testid="'link-' + kind.purpose">${ICON('link')}<span>{{ words.make }}</span></button></form>
        <div v-if="made && shown" class="mk-lk-new" role="status" data-testid="link-made"><div class="mk-row"><b class="mk-grow">{{ made.label }}</b><button type="button" class="mk-ib mk-sm" :aria-label="words.close" @click="shown = false">${ICON('close')}</button></div>
          <img :src="made.qr" width="190" height="190" :alt="words.scan" data-testid="link-qr"><bdi class="mk-lk-a" dir="ltr" data-testid="link-address">{{ made.address }}</bdi><p class="mk-xs mk-t2">{{ words.once }}</p>
          <div class="mk-row mk-lk-do"><button type="button" class="mk-btn mk-s mk-sm" :data-copy="made.address">${ICON('content_copy')}<span>{{ words.copy }}</span></button><a class="mk-btn mk-s mk-sm" :href="made.whatsapp" target="_blank" rel="noopener noreferrer" data-testid="link-whatsapp">${WHATSAPP}<span>WhatsApp</span></a><a class="mk-btn mk-g mk-sm" :href="made.address" target="_blank" rel="noopener noreferrer">${ICON('open_in_new')}<span>{{ words.open }}</span></a></div></div>
        <ul v-if="links.length" class="mk-lk-l"><li v-for="link in links" :key="link.id" :class="{'mk-off': !link.alive}" data-testid="link" :data-alive="String(link.alive)"><span class="mk-ic" aria-hidden="true">{{ link.icon }}</span><div class="mk-grow"><p>{{ link.label }}</p><p class="mk-xs mk-t3">{{ link.state }} · {{ link.used }}</p><p class="mk-xs mk-t3">{{ link.by }}</p></div><button v-if="link.alive" type="button" class="mk-btn mk-g mk-sm" :aria-label="words.revokeNamed.replace('{name}', link.label)" data-testid="link-revoke" @click="$emit('revoke', link.id)">{{ words.revoke }}</button></li></ul>
        <p v-else class="mk-sm mk-t3">{{ words.none }}</p></div>
    </section>`,
  props: {links: Array, kinds: Array, answer: Object, words: Object},
  mixins: [maakav.ordering],
  emits: ['make', 'revoke'],
  data: () => ({phone: '', shown: false}),
  computed: {made() { return this.answer && this.answer.made; }},
  watch: {
    'answer.turn'() {
      this.answered(this.answer);
      this.shown = true;
      if (this.answer.message) maakav.say(this.answer.message, true);
    },
  },
  methods: {
    make(purpose) {
      const phone = purpose === 'insured' ? this.phone : '';
      if (!this.busy) this.$emit('make', {purpose, phone, number: this.numbered(purpose)});
    },
  },
};
