/* What the client is told: choose how it is sent, put it differently, open it there. The app one sends with is the person's own. */
const {icon: ICON, whatsapp: WHATSAPP} = maakav;
// a longer address of a letter Windows drops without a word
const MAIL_AT_MOST = 2000;

export default {
  template: `
    <dialog ref="dialog" @vue:before-unmount="$event.el.close()" class="mk-dlg mk-adlg" :aria-label="words.title" data-testid="client-answer" @click.self="close">
      <div v-if="shown" class="mk-contents"><div class="mk-dh"><h2>{{ words.title }}</h2><span class="mk-sp"></span><button type="button" class="mk-ib" :aria-label="words.close" @click="close">${ICON('close')}</button></div>
        <div class="mk-db"><p class="mk-b" dir="auto">{{ shown.name }}</p><p class="mk-sm mk-t2">{{ words.lead }}</p>
          <div class="mk-seg mk-w" role="group" :aria-label="words.ways"><button v-for="choice in shown.ways" :key="choice.key" type="button" :class="{'mk-on': choice.key === way}" :aria-pressed="String(choice.key === way)" :data-testid="'answer-' + choice.key" @click="way = choice.key">{{ choice.label }}</button></div>
          <label class="mk-compose"><span class="mk-vh">{{ words.words }}</span><textarea v-model="typed[way]" rows="9" maxlength="2000" dir="auto" data-testid="answer-words"></textarea></label>
          <p v-if="isLong" class="mk-help" role="status" data-testid="answer-long"><span class="mk-ic" aria-hidden="true">content_paste</span><span>{{ words.long }}</span></p></div>
        <div class="mk-df"><button type="button" class="mk-btn mk-s" :data-copy="typed[way]">${ICON('content_copy')}<span>{{ words.copy }}</span></button>
          <a class="mk-btn mk-p" :href="href" :target="way === 'whatsapp' ? '_blank' : null" rel="noopener" data-testid="answer-send" @click="send"><span v-if="way === 'whatsapp'" class="mk-wa">${WHATSAPP}</span><span v-else class="mk-ic" aria-hidden="true">{{ chosen.icon }}</span><span>{{ words.send.replace('{way}', chosen.label) }}</span></a></div></div>
    </dialog>`,
  props: {shown: Object, opened: Number, answer: Object, words: Object},
  mixins: [maakav.ordering],
  emits: ['sent'],
  data: () => ({way: 'whatsapp', typed: {}}),
  created() { Object.assign(this, {last: {}, offered: {}}); },
  computed: {
    chosen() { return this.shown.ways.find((choice) => choice.key === this.way); },
    href() {
      const {mobile, tel} = this.shown, words = encodeURIComponent(this.typed[this.way] || '');
      return {whatsapp: `https://wa.me/${mobile}?text=${words}`, sms: `sms:${tel}?&body=${words}`, mail: this.isLong ? this.envelope : this.letter}[this.way];
    },
    envelope() { return `mailto:${encodeURIComponent(this.shown.mail).replace('%40', '@')}?subject=${encodeURIComponent(this.shown.subject)}`; },
    letter() { return `${this.envelope}&body=${encodeURIComponent((this.typed.mail || '').replaceAll('\n', '\r\n'))}`; },
    isLong() { return this.way === 'mail' && this.letter.length > MAIL_AT_MOST; },
  },
  watch: {
    opened() {
      // what was put differently and has not gone yet is still there
      const kept = (key) => this.typed[key] !== this.offered[key] && this.typed[key].trim() !== this.last[key]?.text;
      this.typed = Object.fromEntries(this.shown.ways.map(({key, words}) => [key, kept(key) ? this.typed[key] : words]));
      this.offered = Object.fromEntries(this.shown.ways.map(({key, words}) => [key, words]));
      this.last = {};
      this.$nextTick(() => { if (!this.$refs.dialog.open) this.$refs.dialog.showModal(); });
    },
    'answer.turn'() {
      this.answered(this.answer);
      maakav.say(this.answer.message || this.words.logged, Boolean(this.answer.message));
    },
  },
  methods: {
    send(event) {
      const {way} = this, words = (this.typed[way] || '').trim();
      if (!words) return event.preventDefault();
      if (this.isLong) maakav.copy(words);
      this.last[way] = maakav.keyed(words, this.last[way]);  // opened again in the same words, it is one contact
      this.$emit('sent', {way, words, key: this.last[way].key, number: this.numbered(way)});
    },
    close() { this.$refs.dialog.close(); },
  },
};
