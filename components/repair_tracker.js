/* Where the car is: a road of stages from the desk on, a column on the phone that unfolds. */
export default {
  template: `
    <section v-if="now" class="mk-card mk-trk" :class="{'mk-hold': hold}" :aria-label="title" :data-testid="hook('section-repair')">
      <div class="mk-trk-h"><div class="mk-trk-now"><span class="mk-k">{{ title }}<template v-if="garage"> · <span dir="auto">{{ garage }}</span></template></span>
        <span class="mk-v"><span ref="now" :data-testid="hook('repair-stage')">{{ now }}</span><span v-if="step" class="mk-chip mk-tiny mk-hue-slate">{{ step }}</span></span>
        <span v-if="since" class="mk-chgl"><span v-if="before !== null" class="mk-udot"></span><span class="mk-ba"><template v-if="before"><span class="mk-was">{{ before }}</span><span class="mk-ic mk-dir" aria-hidden="true">arrow_back</span><span class="mk-vh"> {{ changedTo }} </span></template><b>{{ now }}</b></span><span class="mk-t3">· <time :datetime="since.at" :data-ts="since.at" :title="since.exact">{{ since.when }}</time></span></span></div>
        <div v-if="eta" class="mk-eta"><div><div class="mk-sm mk-t3">{{ eta.label }}</div><div class="mk-b">{{ eta.weekday }}, <bdi class="mk-num" dir="ltr">{{ eta.day }}</bdi></div><div v-if="eta.left" class="mk-sm mk-t3">{{ eta.left }}</div></div>
          <div class="mk-leaf" aria-hidden="true"><i>{{ eta.month }}</i><b>{{ eta.number }}</b></div></div>
        <div v-if="moves.length" class="mk-trk-do"><button v-for="move in moves" :key="move.key" type="button" class="mk-btn" :class="move.key === 'forward' ? 'mk-p' : 'mk-s'" :title="move.title || null" :data-testid="hook('stage-' + move.key)" @click="go(move.stage)"><span v-if="move.key === 'back'" class="mk-ic" aria-hidden="true">undo</span><span>{{ move.label }}</span><span v-if="move.key === 'forward'" class="mk-ic mk-dir" aria-hidden="true">arrow_back</span></button></div></div>
      <p v-if="explained" class="mk-trk-x" dir="auto" :data-testid="hook('stage-explained')">{{ explained }}</p>
      <p v-if="hold" class="mk-call-out mk-hue-orange mk-trk-hold" :data-testid="hook('repair-hold')"><span class="mk-ic mk-f" aria-hidden="true">pause_circle</span><span>{{ hold }}</span></p>
      <ol class="mk-road" :class="{'mk-all': all}" :data-testid="hook('repair-steps')"><li v-for="stage in stages" :key="stage.id" class="mk-st" :class="['mk-' + stage.state, stage.state === 'c' && stage.hue ? 'mk-st-hue mk-hue-' + stage.hue : '']" :aria-current="stage.state === 'c' ? 'step' : null">
        <span class="mk-nd"><span><span v-if="stage.state === 'd'" class="mk-ic" aria-hidden="true">check</span><span v-else-if="stage.state === 'c'" class="mk-ic mk-f" aria-hidden="true">directions_car</span><template v-else>{{ stage.number }}</template></span></span>
        <span class="mk-lb">{{ stage.label }}<span class="mk-vh">, {{ stage.spoken }}</span></span><span class="mk-dt">{{ stage.day }}</span></li></ol>
      <button type="button" class="mk-allst" :aria-expanded="String(all)" @click="all = !all">{{ all ? words.fewer : words.all }}<span class="mk-ic" aria-hidden="true">{{ all ? 'expand_less' : 'expand_more' }}</span></button>
      <div v-if="facts && (facts.photos || facts.there || facts.here)" class="mk-trk-f"><template v-if="facts.photos"><span class="mk-ic mk-s18" aria-hidden="true">photo_camera</span><span>{{ facts.photos }}</span><a v-if="more" class="mk-b" :href="more">{{ words.look }}</a></template><span class="mk-sp"></span><span v-if="facts.here">{{ facts.here }}</span><span v-if="facts.here && facts.there" aria-hidden="true">·</span><span v-if="facts.there">{{ facts.there }}</span></div>
    </section>`,
  props: {
    title: String, garage: String, now: String, step: String, before: {type: String, default: null}, since: Object, eta: Object, stages: Array,
    changedTo: String, words: Object, glow: Number, hold: String, explained: String, facts: Object, moves: {type: Array, default: () => []}, more: String, inSight: Boolean,
  },
  emits: ['move'],
  data: () => ({all: false}),
  methods: {
    go(stage) {
      maakav.ordered();
      this.$emit('move', stage);
    },
    // it stands on two tabs: only the one in sight is found by its name
    hook(name) { return this.inSight ? name : null; },
  },
  watch: {
    glow() { maakav.glow(this.$refs.now); },
  },
};
