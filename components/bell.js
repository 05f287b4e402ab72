const NAME = 'maakav.bell.';
const POPOVER = `
  <div class="mk-pop mk-bell-pop" role="dialog" :aria-label="texts.title">
    <div class="mk-pop-h"><h2>{{ texts.title }}</h2><span class="mk-badge mk-br" v-if="count">{{ count }}</span><span class="mk-sp"></span>
      <button type="button" class="mk-btn mk-g mk-sm" v-if="count" data-testid="alerts-read-all" @click="$emit('read_all')">{{ texts.readAll }}</button>
      <button type="button" class="mk-ib mk-sm" :aria-pressed="String(loud)" :aria-label="texts.sound" :title="texts.sound" data-testid="bell-sound" @click="turn"><span class="mk-ic" aria-hidden="true">{{ loud ? 'volume_up' : 'volume_off' }}</span></button>
      <a v-if="own" class="mk-ib mk-sm" href="/account#alerts" :aria-label="texts.choices" :title="texts.choices"><span class="mk-ic" aria-hidden="true">settings</span></a></div>
    <a v-if="cheques" class="mk-duecard mk-duepop" href="/cheques" data-testid="bell-cheques"><span class="mk-n"><b v-if="cheques.days">{{ cheques.days }}</b><span>{{ cheques.left }}</span></span><span><b>{{ cheques.title }}</b><span class="mk-sm mk-duel">{{ cheques.detail }}</span></span><span class="mk-btn mk-s mk-sm" aria-hidden="true">{{ texts.view }}</span></a>
    <p class="mk-empty-line mk-t3" v-if="!groups.length">{{ texts.none }}</p>
    <a v-for="group in groups" :key="group.id" :href="group.href" class="mk-al" :class="{'mk-un': group.unread}" data-testid="alert">
      <span class="mk-icb" :class="'mk-hue-' + group.hue"><span class="mk-ic" aria-hidden="true">{{ group.icon }}</span></span>
      <span><span class="mk-t"><bdi>{{ group.name }}</bdi> · <bdi>{{ group.what }}</bdi></span>
        <span class="mk-d"><span class="mk-ba"><template v-if="group.before"><span class="mk-was" dir="auto">{{ group.before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ texts.changedTo }} </span></template><b dir="auto">{{ group.after }}</b></span><span v-if="group.more" class="mk-t3"> · {{ group.more }}</span> <template v-if="group.plate">${maakav.plate('group.plate', 'group.plate')}</template></span></span>
      <span class="mk-w"><time :data-ts="group.at">{{ group.when }}</time><span v-if="group.unread" class="mk-udot" role="img" :aria-label="texts.unread"></span></span>
    </a>
    <a class="mk-pop-f" href="/alerts">{{ texts.all }}</a>
  </div>`;

export default {
  mixins: [maakav.parts({popover: POPOVER})],
  template: `
    <div class="mk-bell" @keydown.esc.stop="close">
      <button type="button" class="mk-ib" :class="{'mk-on': open}" data-testid="bell" ref="button" @click="toggle"
              :aria-label="texts.label" :aria-expanded="String(open)" aria-haspopup="dialog">
        <span class="mk-ic mk-s22" aria-hidden="true">notifications</span>
        <b class="mk-cnt" data-testid="bell-count" v-if="count">{{ count > 99 ? '99+' : count }}</b>
      </button>
      <span class="mk-vh" role="status" aria-live="polite">{{ spoken }}</span>
      <component v-if="open" :is="part('popover')"></component>
    </div>`,
  props: {count: Number, groups: Array, cheques: Object, texts: Object, own: Boolean},
  emits: ['open', 'read_all'],
  data: () => ({open: false, spoken: '', title: '', loud: false}),
  mounted() {
    this.title = document.title;
    this.show();
    this.loud = this.kept('loud') === 'yes';
    this.outside = (event) => { if (this.open && !this.$el.contains(event.target)) this.open = false; };
    addEventListener('pointerdown', this.outside);
    this.heard = ({key, newValue}) => { if (key === NAME + 'loud') this.loud = newValue === 'yes'; };
    addEventListener('storage', this.heard);  // said in another tab
  },
  unmounted() {
    removeEventListener('pointerdown', this.outside);
    removeEventListener('storage', this.heard);
  },
  watch: {
    count(now, before) {
      this.show();
      if (now > before) this.ring();
      if (now > before) this.spoken = now === 1 ? this.texts.spokenOne : this.texts.spoken.replace('{n}', now);
    },
  },
  methods: {
    show() {
      document.title = this.count ? `(${this.count}) ${this.title}` : this.title;
      for (const badge of document.querySelectorAll('[data-bell-count]')) {
        badge.textContent = this.count > 99 ? '99+' : this.count;
        badge.hidden = !this.count;
      }
    },
    kept(name) { try { return localStorage.getItem(NAME + name); } catch { return null; } },
    keep(name, value) { try { localStorage.setItem(NAME + name, value); } catch { /* private window: it holds for this page */ } },
    turn() { this.loud = !this.loud; this.keep('loud', this.loud ? 'yes' : 'no'); if (this.loud) this.sound(); },
    /* Of several tabs one rings, and of several alerts that come together one. */
    ring() {
      if (!this.loud || Date.now() - Number(this.kept('rang')) < 3000) return;
      this.keep('rang', Date.now());
      this.sound();
    },
    sound() {
      const audio = this.audio ??= new AudioContext(), tone = audio.createOscillator(), volume = audio.createGain();
      audio.resume();  // of a page nobody has touched yet the browser holds it back
      volume.gain.setValueAtTime(0.15, audio.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
      tone.frequency.value = 880;
      tone.connect(volume).connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + 0.5);
    },
    toggle() { this.open = !this.open; if (this.open) this.$emit('open'); },
    close() { if (this.open) { this.open = false; this.$refs.button.focus(); } },
  },
};
