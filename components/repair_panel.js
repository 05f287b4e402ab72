/* The repair in full: each stage with its days, notes and photos, every day that was promised, and for staff the forms. */
const ICON = maakav.icon;
const PHOTOS = (list) => `<ul class="mk-rp-ph"><li v-for="photo in ${list}" :key="photo.small"><a :href="photo.large" target="_blank" rel="noopener" :title="photo.by"><img :src="photo.small" :alt="photo.name" loading="lazy" width="112" height="84" data-testid="repair-photo"></a></li></ul>`;
// in what one types the words and chooses the reason of an order
const TYPED = {expect: ['why', 'reason'], hold: ['holdNote', 'holdReason'], note: ['note']};

export default {
  components: {DayField: maakav.dayField},
  mixins: [maakav.ordering],
  template: `
    <div class="mk-rp">
      <section class="mk-card mk-rp-way" :aria-label="words.road"><div class="mk-hd"><h2>{{ words.road }}</h2></div>
        <div class="mk-bd"><p v-if="!stays.length" class="mk-t3">{{ words.none }}</p>
          <ol class="mk-rp-l" data-testid="repair-stays"><li v-for="stay in stays" :key="stay.key" :class="{'mk-on': stay.here}" :data-stage="stay.stage">
            <span class="mk-dotof" :class="'mk-hue-' + stay.hue"><span v-if="stay.here" class="mk-ic mk-f" aria-hidden="true">directions_car</span><span v-else class="mk-ic" aria-hidden="true">check</span></span>
            <div class="mk-grow"><p class="mk-rp-t"><b>{{ stay.label }}</b><span v-if="stay.here" class="mk-chip mk-tiny mk-hue-blue">{{ words.here }}</span><span class="mk-sp"></span><span v-if="stay.days" class="mk-t2">{{ stay.days }}</span></p>
              <p class="mk-sm mk-t3"><time class="mk-num" dir="ltr" :datetime="stay.at">{{ stay.from }}</time> · <span dir="auto">{{ stay.by }}</span></p>
              <p v-if="stay.note" class="mk-qt" dir="auto">{{ stay.note }}</p>
              <div v-for="(line, place) in stay.told" :key="place" class="mk-rp-n"><span class="mk-ic mk-s18" aria-hidden="true">{{ line.icon }}</span><div><span>{{ line.text }}</span><p v-if="line.note" class="mk-qt" dir="auto">{{ line.note }}</p><p class="mk-xs mk-t3">{{ line.by }}</p></div></div>
              ${PHOTOS('stay.photos')}
              <template v-if="stay.here && upload"><label class="mk-btn mk-soft mk-sm mk-rp-up">${ICON('photo_camera')}<span>{{ words.addPhotos }}</span><input class="mk-vh" type="file" accept="image/*" multiple :disabled="sending" data-testid="repair-upload" @change="sendPhotos($event.target, stay.stage)"></label><span class="mk-sm mk-t3" role="status">{{ told }}</span></template></div></li></ol>
          <template v-if="loose.length"><h3 class="mk-day">{{ words.beside }}</h3>${PHOTOS('loose')}</template></div>
      </section>
      <div class="mk-stack">
        <section class="mk-card" :aria-label="words.promised" data-testid="repair-days"><div class="mk-hd">${ICON('event', ' mk-lead')}<h2>{{ words.promised }}</h2></div>
          <div class="mk-bd mk-stack"><p v-if="!days.length" class="mk-t3">{{ words.noDay }}</p>
            <ol v-else class="mk-rp-d"><li v-for="(told, place) in days" :key="place"><p class="mk-ba"><template v-if="told.before"><span class="mk-was mk-num" dir="ltr">{{ told.before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ words.changedTo }} </span></template><b class="mk-num" dir="ltr">{{ told.after || '—' }}</b></p><p v-if="told.reason" class="mk-sm" dir="auto">{{ told.reason }}</p><p class="mk-xs mk-t3">{{ told.by }}</p></li></ol>
            <form v-if="form" class="mk-rp-f" data-testid="expect-form" @submit.prevent="order({do: 'expect', day, seen: form.day, reason, note: why})">
              <day-field v-model="day" look="mk-sm" :label="words.day" required data-testid="expect-day"></day-field>
              <label class="mk-fld"><span class="mk-sm">{{ words.why }}</span><span class="mk-inp mk-sm"><select v-model="reason" data-testid="expect-reason"><option value="">{{ words.noReason }}</option><option v-for="row in form.reasons" :key="row.id" :value="row.id">{{ row.label }}</option></select></span></label>
              <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.inWords }}</span><input v-model="why" :maxlength="limit" dir="auto" :placeholder="words.inWords" data-testid="expect-why"></label>
              <button type="submit" class="mk-btn mk-p mk-sm" :disabled="busy ? true : null" data-testid="expect-save">{{ words.saveDay }}</button></form></div></section>
        <section v-if="form" class="mk-card"><div class="mk-bd mk-stack mk-rp-x">
          <form v-if="held" @submit.prevent="order({do: 'resume'})"><button type="submit" class="mk-btn mk-p mk-w" :disabled="busy ? true : null" data-testid="resume">${ICON('play_arrow')}<span>{{ words.resume }}</span></button></form>
          <form v-else class="mk-rp-f" data-testid="hold-form" @submit.prevent="order({do: 'hold', reason: holdReason, note: holdNote})"><label class="mk-fld"><span class="mk-sm">{{ words.holdWhy }}</span><span class="mk-inp mk-sm"><select v-model="holdReason" required aria-invalid="false" data-testid="hold-reason"><option value="" disabled>{{ words.choose }}</option><option v-for="row in form.reasons" :key="row.id" :value="row.id">{{ row.label }}</option></select></span></label>
            <label class="mk-inp mk-sm"><span class="mk-vh">{{ words.inWords }}</span><input v-model="holdNote" :maxlength="limit" dir="auto" :placeholder="words.inWords" data-testid="hold-why"></label>
            <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy ? true : null" data-testid="hold-save">${ICON('pause_circle')}<span>{{ words.hold }}</span></button></form>
          <form class="mk-rp-f" data-testid="note-form" @submit.prevent="order({do: 'note', note})"><label class="mk-fld"><span class="mk-sm">{{ words.note }}</span><textarea v-model="note" class="mk-sg-t" rows="2" :maxlength="limit" dir="auto" :placeholder="words.noteHint" required data-testid="repair-note"></textarea></label>
            <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy ? true : null" data-testid="repair-note-save">{{ words.send }}</button></form></div></section>
      </div>
    </div>`,
  props: {stays: Array, loose: Array, days: Array, held: String, form: Object, answer: Object, words: Object, upload: String, photos: Object, limit: Number},
  emits: ['order'],
  data: () => ({day: '', reason: '', why: '', holdReason: '', holdNote: '', note: '', sending: false, told: ''}),
  created() { this.day = this.form?.day || ''; },
  watch: {
    // somebody else promised another day; one that is being typed stays
    'form.day'(now, before) { if (this.day === (before || '')) this.day = now; },
    'answer.turn'() {
      const order = this.answered(this.answer), [note, reason] = TYPED[order?.do] || [];
      if (this.answer.message) { maakav.say(this.answer.message, true); return; }
      // what was typed or chosen since it was sent stays
      if (note) this[note] = maakav.behind(this[note], order.note);
      if (reason && this[reason] === order.reason) this[reason] = '';
    },
  },
  methods: {
    order(what) {
      if (!this.busy) this.$emit('order', {...what, number: this.numbered(what)});
    },
    async sendPhotos(input, stage) {
      this.sending = true;
      const headers = {'X-Document-Type': 'repair_photos', 'X-Repair-Stage': stage};
      const refused = await maakav.sendPhotos([...input.files], this.upload, {...this.photos, headers, tell: (said) => { this.told = said; }});
      Object.assign(this, {sending: false, told: refused.join(' ')});
      input.value = '';
    },
  },
};
