/* The radar of cheques: below, the line to the insurer's money; above it, the client's cheques. The same stands as a list in the
   order of days: a screen reader says it, a phone shows it. */
export default {
  template: `
    <section v-if="line" class="mk-card mk-radar" :class="{'mk-red': line.red}" :aria-label="words.title" data-testid="radar" :data-red="String(line.red)">
      <div class="mk-hd"><span class="mk-ic mk-lead" aria-hidden="true">radar</span><h2>{{ words.title }}</h2></div>
      <div class="mk-bd mk-stack">
        <p class="mk-radar-v" data-testid="radar-verdict"><span class="mk-ic" aria-hidden="true">{{ line.red ? 'crisis_alert' : 'task_alt' }}</span><b>{{ line.verdict }}</b></p>
        <div class="mk-radar-l" :class="{'mk-one': !line.cheques.some((cheque) => cheque.low)}" aria-hidden="true">
          <span class="mk-radar-t"></span><span class="mk-radar-f" :style="{'inline-size': line.payment + '%'}"></span>
          <span v-for="cheque in line.cheques" :key="cheque.id" class="mk-radar-c" :class="{'mk-red': cheque.red, 'mk-low': cheque.low, 'mk-flip': cheque.at > 80}" :style="{'inset-inline-start': cheque.at + '%'}"><span class="mk-radar-b"><bdi class="mk-num mk-b" dir="ltr">{{ cheque.amount }}</bdi><span class="mk-ell">{{ cheque.payee }}</span><bdi class="mk-num" dir="ltr">{{ cheque.due }}</bdi></span></span>
          <span v-for="point in line.points" :key="point.key" class="mk-radar-p" :class="['mk-at-' + point.key, {'mk-flip': point.at > 80}]" :style="{'inset-inline-start': point.at + '%'}"><span class="mk-ic">{{ point.icon }}</span><span class="mk-radar-n">{{ point.label }}<bdi class="mk-num" dir="ltr">{{ point.date }}</bdi></span></span>
        </div>
        <ol class="mk-radar-w" :aria-label="words.in"><li v-for="(told, place) in line.list" :key="place" :class="{'mk-red': told.red}"><span class="mk-ic" aria-hidden="true">{{ told.icon }}</span><bdi class="mk-num" dir="ltr">{{ told.date }}</bdi><span>{{ told.text }}<b v-if="told.red"> · {{ words.before }}</b></span></li></ol>
        <p class="mk-sm mk-t2" data-testid="radar-basis">{{ line.basis }}</p>
        <div v-if="line.actions.length" class="mk-radar-a" role="group" :aria-label="words.what">
          <span v-for="action in line.actions" :key="action.kind" class="mk-row"><a class="mk-btn mk-s mk-sm" :href="action.href" target="_blank" rel="noopener" :title="action.title" :data-testid="'radar-' + action.kind" @click="$emit('step', action.kind)"><span class="mk-ic" aria-hidden="true">{{ action.icon }}</span><span>{{ action.label }}</span></a><button type="button" class="mk-minia" :data-copy="action.wording" :aria-label="words.copy + ': ' + action.label" :title="words.copy"><span class="mk-ic" aria-hidden="true">content_copy</span></button></span></div>
        <ul v-if="line.steps.length" class="mk-radar-s" :aria-label="words.taken"><li v-for="(step, place) in line.steps" :key="place" class="mk-sm"><span class="mk-ic mk-s16" aria-hidden="true">check</span><span>{{ step.text }} <span class="mk-t3">{{ step.by }}</span></span></li></ul>
      </div></section>`,
  props: {line: Object, words: Object},
  emits: ['step'],
};
