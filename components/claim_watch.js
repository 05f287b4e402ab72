/* What one chooses about a claim's alerts: a menu in its head, or a dialog from an alert. Dates are the server's, on working mornings. */
const CHOICES = `<div class="mk-contents">
  <p v-if="shown.muted" class="mk-wstate mk-hue-slate" data-testid="watch-state"><span class="mk-ic" aria-hidden="true">notifications_off</span><span>{{ words.mutedLong }}</span></p>
  <p v-else-if="shown.until" class="mk-wstate mk-hue-amber" data-testid="watch-state"><span class="mk-ic" aria-hidden="true">snooze</span><span>{{ words.back.replace('{when}', shown.until) }}</span></p>
  <button v-if="shown.until" type="button" class="mk-mi" data-testid="watch-resume" @click="act('resume')"><span class="mk-ic" aria-hidden="true">alarm_on</span><span class="mk-grow">{{ words.resume }}</span></button>
  <button type="button" class="mk-mi" :data-testid="shown.muted ? 'watch-unmute' : 'watch-mute'" @click="act(shown.muted ? 'unmute' : 'mute')"><span class="mk-ic" aria-hidden="true">{{ shown.muted ? 'notifications_active' : 'notifications_off' }}</span><span class="mk-grow mk-wtwo">{{ shown.muted ? words.unmute : words.mute }}<span v-if="!shown.muted" class="mk-sm mk-t3">{{ words.except }}</span></span></button>
  <button v-if="!shown.mine" type="button" class="mk-mi" :data-testid="shown.follows ? 'watch-unfollow' : 'watch-follow'" @click="act(shown.follows ? 'unfollow' : 'follow')"><span class="mk-ic" aria-hidden="true">{{ shown.follows ? 'visibility_off' : 'visibility' }}</span><span class="mk-grow">{{ shown.follows ? words.unfollow : words.follow }}</span></button>
  <div class="mk-gh" id="watch-remind">{{ words.remind }}</div>
  <div role="group" aria-labelledby="watch-remind"><button v-for="pause in shown.pauses" :key="pause.key" type="button" class="mk-mi" :data-testid="'watch-' + pause.key" @click="act('snooze', pause.key)"><span class="mk-ic" aria-hidden="true">snooze</span><span class="mk-grow">{{ pause.label }}</span><span class="mk-sm mk-t3">{{ pause.when }}</span></button>
  <form class="mk-wday" @submit.prevent="act('snooze', day)"><day-field v-model="day" look="mk-sm mk-t2" :label="words.day" required :min="shown.first" :max="shown.last" data-testid="watch-date"></day-field><button type="submit" class="mk-btn mk-s mk-sm" data-testid="watch-set">{{ words.set }}</button></form></div></div>`;

export default {
  components: {DayField: maakav.dayField},
  mixins: [maakav.parts({choices: CHOICES})],
  template: `
    <div class="mk-contents"><template v-if="shown">
      <dialog v-if="dialog" ref="dialog" class="mk-dlg mk-adlg mk-wdlg" :aria-label="words.title" data-testid="watch-dialog" @click.self="close"><div class="mk-dh"><h2>{{ words.title }}<span class="mk-sub">{{ shown.name }}</span></h2><span class="mk-sp"></span><button type="button" class="mk-ib" :aria-label="words.close" @click="close"><span class="mk-ic" aria-hidden="true">close</span></button></div><div class="mk-menu"><component :is="part('choices')"></component></div></dialog>
      <details v-else class="mk-drop mk-watch" ref="drop" @toggle="open = $event.target.open"><summary class="mk-btn mk-sm" :class="marked ? 'mk-soft' : 'mk-g'" data-testid="watch" :title="words.title"><span class="mk-ic" aria-hidden="true">{{ icon }}</span><span>{{ label }}</span></summary><div class="mk-pop mk-menu mk-wmenu"><component v-if="open" :is="part('choices')"></component></div></details>
    </template></div>`,
  props: {shown: Object, dialog: Boolean, turn: Number, words: Object},
  emits: ['act'],
  data: () => ({day: '', open: false}),
  computed: {
    marked() { return this.shown.muted || Boolean(this.shown.until) || this.shown.follows; },
    icon() { return this.shown.muted ? 'notifications_off' : this.shown.until ? 'snooze' : this.shown.follows ? 'notifications_active' : 'notifications'; },
    label() { return this.shown.muted ? this.words.muted : this.shown.until ? this.words.until.replace('{day}', this.shown.day) : this.shown.follows ? this.words.follows : this.words.usual; },
  },
  watch: {
    turn() { this.$nextTick(() => { if (this.$refs.dialog && !this.$refs.dialog.open) this.$refs.dialog.showModal(); }); },
  },
  methods: {
    act(act, pause) {
      this.$emit('act', {act, pause: pause || ''});
      this.close();
    },
    close() {
      if (this.$refs.dialog) this.$refs.dialog.close();
      if (this.$refs.drop) { this.$refs.drop.open = false; this.$refs.drop.querySelector('summary').focus(); }
    },
  },
};
