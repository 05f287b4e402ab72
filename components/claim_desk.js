/* Beside the claim: who has not been heard for how long, and, for the bureau, what is to be done. What was typed stays until it is kept. */
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
        <form class="mk-bd mk-stack mk-cdnew" @submit.prevent="add"><label class="mk-inp mk-sm"><span class="mk-vh">{{ words.title }}</span><input v-model="title" :placeholder="words.title" maxlength="200" dir="auto" autocomplete="off" data-testid="task-title"></label>
          <div class="mk-wkrow"><day-field v-model="day" look="mk-vh" :label="words.day" :min="today" data-testid="task-day"></day-field><label class="mk-row mk-sm"><input type="checkbox" class="mk-check" v-model="shown" data-testid="task-shown"><span>{{ words.shown }}</span></label><span class="mk-sp"></span>
            <button type="submit" class="mk-btn mk-s mk-sm" :disabled="busy || !title.trim() ? true : null" data-testid="task-add">{{ words.add }}</button></div></form></section>
    </div>`,
  props: {staff: Boolean, silences: Array, tasks: Array, today: String, answer: Object, words: Object},
  mixins: [maakav.ordering],
  emits: ['act'],
  data: () => ({title: '', day: '', shown: false}),
  watch: {
    'answer.turn'() {
      const order = this.answered(this.answer);
      if (this.answer.message) maakav.say(this.answer.message, true);
      else if (order?.title) {
        this.title = maakav.behind(this.title, order.title);
        if (!this.title) Object.assign(this, {day: '', shown: false});
      }
    },
  },
  methods: {
    send(act, given) {
      if (!this.busy) this.$emit('act', {act, ...given, number: this.numbered(given)});
    },
    add() { if (this.title.trim()) this.send('add', {title: this.title, day: this.day || this.today, shown: this.shown}); },
  },
};
