/* Beside the claim: who has not been heard for how long, and, for the bureau, what is to be done. What was typed stays until it is kept. */
import {keeping} from 'set_aside';

export default {
  components: {DayField: maakav.dayField},
  template: `
    <div class="mk-contents">
      <section v-if="silences.length" class="mk-card" :aria-label="words.silence" data-testid="silences"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">hourglass_top</span><h2>{{ words.silence }}</h2></div>
        <ul class="mk-cdlist"><li v-for="line in silences" :key="line.party" data-testid="silence" :data-party="line.party" :data-over="String(line.over)"><span class="mk-cddot" :class="{'mk-is-over': line.over}" aria-hidden="true"></span><p :class="{'mk-b': line.over}">{{ line.text }}</p></li></ul></section>
      <section v-if="staff" class="mk-card" :aria-label="words.tasks" data-testid="tasks"><div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">assignment</span><h2>{{ words.tasks }}</h2></div>
        <ul class="mk-cdlist"><li v-for="task in tasks" :key="task.id" data-testid="task" :data-open="String(task.open)"><div class="mk-grow"><p :class="{'mk-t3': !task.open}" dir="auto">{{ task.title }}</p>
            <p class="mk-t2 mk-sm"><span class="mk-wkdue" :class="'mk-is-' + task.tone" :title="task.explained">{{ task.due }}</span><template v-if="task.who"> · {{ task.who }}</template></p><p v-if="task.explained && task.open" class="mk-t3 mk-xs">{{ task.explained }}</p></div>
          <template v-if="task.open"><button type="button" class="mk-btn mk-soft mk-sm" :disabled="busy ? true : null" data-testid="task-tomorrow" @click="send('postpone', {task: task.id})">{{ words.tomorrow }}</button><button type="button" class="mk-btn mk-s mk-sm" :aria-label="words.done + ': ' + task.title" :disabled="busy ? true : null" data-testid="task-done" @click="send('done', {task: task.id})"><span class="mk-ic" aria-hidden="true">check</span><span>{{ words.done }}</span></button></template></li></ul>
        <p v-if="!tasks.length" class="mk-bd mk-t2 mk-sm">{{ words.none }}</p>
        <form class="mk-bd mk-stack mk-cdnew" data-keeps="no" @submit.prevent="add"><label class="mk-inp mk-sm"><span class="mk-vh">{{ words.title }}</span><input v-model="title" :placeholder="words.title" maxlength="200" dir="auto" autocomplete="off" data-testid="task-title"></label>
          <div class="mk-wkrow"><day-field v-model="day" v-model:typed="dayTyped" look="mk-vh" :label="words.day" :min="today" data-testid="task-day"></day-field><label class="mk-row mk-sm"><input type="checkbox" class="mk-check" v-model="shown" data-testid="task-shown"><span>{{ words.shown }}</span></label><span class="mk-sp"></span>
            <button type="submit" class="mk-btn mk-s mk-sm" :disabled="going || !title.trim() ? true : null" data-testid="task-add">{{ words.add }}</button></div></form></section>
    </div>`,
  props: {staff: Boolean, silences: Array, tasks: Array, today: String, answer: Object, words: Object, keep: String},
  mixins: [keeping, maakav.ordering],
  emits: ['act'],
  data: () => ({title: '', day: '', dayTyped: '', shown: false, last: null, going: null}),
  created() {
    this.added = 0;
    const {at, ...kept} = this.remembered();
    Object.assign(this, kept);
  },
  // a reload led away from one that was on its way
  mounted() { if (this.going) this.carry(this.going); },
  unmounted() { this.endAdding?.(); },
  watch: {
    'answer.turn'() {
      const {message, act, number} = this.answer;
      if (act === 'add') { this.hear(message, number); return; }
      this.answered(this.answer);
      if (message) maakav.say(message, true);
    },
  },
  methods: {
    toKeep() {
      const {title, day, dayTyped, shown, last, going} = this;
      return title.trim() || going ? {title, day, dayTyped, shown, last, going} : null;
    },
    send(act, given) {
      if (!this.busy) this.$emit('act', {act, ...given, number: this.numbered(given)});
    },
    add() {
      if (this.going || !this.title.trim()) return;
      const {title, shown} = this, day = this.day || this.today;
      this.last = maakav.keyed(JSON.stringify({title, day, shown}), this.last);
      this.carry({title, day, shown, key: this.last.key});
    },
    carry(task) {
      maakav.ordered();
      const number = this.added += 1;
      this.going = task;
      this.remember();
      this.endAdding = maakav.insist(() => this.$emit('act', {act: 'add', ...task, number}), () => maakav.say(this.words.going, true));
    },
    /* Said again, it is answered again. What was typed on since it was sent is another task. */
    hear(message, number) {
      if (!this.going || number !== this.added) return;
      const {title} = this.going;
      this.endAdding();
      this.going = null;
      if (message) maakav.say(message, true);
      else {
        this.last = null;
        this.title = maakav.behind(this.title, title);
        if (!this.title) Object.assign(this, {day: '', dayTyped: '', shown: false});
      }
      this.remember();
    },
  },
};
