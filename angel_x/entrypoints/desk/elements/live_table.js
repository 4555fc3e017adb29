// A table whose cells change in place.  Texts are bound as texts, so no markup of an order is run.
export default {
  template: `
  <div class="ax-table-box" :data-source="source || null" :data-limit="limit || null">
    <div v-if="live.length" class="ax-scroll" tabindex="-1">
      <table class="ax-table" :class="kind">
        <caption class="ax-sr">{{ caption }}</caption>
        <thead><tr>
          <th v-for="(column, place) in columns" :key="column.name" scope="col" :title="column.title"
              :class="{ 'ax-text': column.isText, 'ax-minor': !column.isVital }" :aria-sort="order(place)">
            <button type="button" class="ax-sort" @click="sort(place)">{{ column.label }}<span
              aria-hidden="true">{{ arrow(place) }}</span></button>
          </th>
          <th v-if="acts" scope="col" class="ax-acts"><span class="ax-sr">Actions</span></th>
        </tr></thead>
        <tbody>
          <tr v-for="row in shown" :key="row.id" :class="[row.tone, { 'ax-opens': opens }]" :data-row="row.id"
              @click="open(row)">
            <td v-for="(cell, place) in row.cells" :key="place" :data-label="columns[place].label"
                :title="part(cell, 2)"
                :class="[part(cell, 1), { 'ax-text': columns[place].isText, 'ax-minor': !columns[place].isVital,
                'ax-name': place === opener }]"
              ><button v-if="opens && place === opener" type="button" class="ax-link" @click.stop="open(row)"
                >{{ part(cell, 0) }}</button><button v-else-if="columns[place].act && part(cell, 0)" type="button"
                class="ax-quote" :aria-label="columns[place].act + ' ' + name(row) + ' at ' + part(cell, 0)"
                @click.stop="$emit('act', [row.id, columns[place].act])">{{ part(cell, 0) }}</button><template v-else>{{ part(cell, 0) }}</template></td>
            <td v-if="acts" class="ax-acts">
              <button v-for="act in row.acts" :key="act" type="button" class="ax-act"
                :aria-label="act + ' ' + name(row)" @click.stop="$emit('act', [row.id, act])">{{ act }}</button>
            </td>
          </tr>
        </tbody>
      </table>
      <p v-if="!shown.length" class="ax-empty">No row has “{{ filter }}” in it. <b>Esc</b> clears the filter.</p>
    </div>
    <div v-else class="ax-empty">
      <p v-if="waits">Waiting for the API…</p>
      <template v-else><p><b>{{ empty[0] }}</b></p><p>{{ empty[1] }}</p></template>
    </div>
  </div>`,
  props: { columns: Array, rows: Array, caption: String, empty: Array, source: String, opens: Boolean, waits: Boolean,
    kind: String, limit: Number },
  emits: ["act", "open"],
  data() {
    return { live: this.rows, by: -1, down: false, filter: "" };
  },
  mounted() {
    this.listen = (event) => { this.filter = event.detail; };
    window.addEventListener("ax-filter", this.listen);
  },
  unmounted() {
    window.removeEventListener("ax-filter", this.listen);
  },
  watch: { rows(rows) { this.live = rows; } },
  computed: {
    acts() { return this.live.some((row) => row.acts.length); },
    opener() { return Math.max(0, this.columns.findIndex((column) => column.name === "symbol")); },
    shown() {
      const wanted = this.filter.toLowerCase();
      const rows = wanted
        ? this.live.filter((row) => row.cells.some((cell) => this.part(cell, 0).toLowerCase().includes(wanted)))
        : this.live;
      if (this.by < 0) return rows;
      const sign = this.down ? -1 : 1;
      return [...rows].sort((a, b) => sign * this.compare(a.cells[this.by], b.cells[this.by]));
    },
  },
  methods: {
    part(cell, place) { return Array.isArray(cell) ? cell[place] : place === 0 ? cell : ""; },
    key(cell) { return Array.isArray(cell) && cell.length > 3 ? cell[3] : this.part(cell, 0); },
    compare(a, b) {
      const [one, other] = [this.key(a), this.key(b)];
      if (typeof one === "number" && typeof other === "number") return one - other;
      return String(one).localeCompare(String(other), undefined, { numeric: true });
    },
    name(row) { return this.part(row.cells[this.opener], 0); },
    order(place) { return place === this.by ? (this.down ? "descending" : "ascending") : null; },
    arrow(place) { return place === this.by ? (this.down ? " ↓" : " ↑") : ""; },
    sort(place) {
      if (place !== this.by) { this.by = place; this.down = false; }
      else if (!this.down) this.down = true;
      else this.by = -1;
    },
    open(row) { if (this.opens) this.$emit("open", row.id); },
    patch(changed) {
      for (const [place, column, cell] of changed) {
        const row = this.live[place];
        if (!row) continue;
        if (column === "tone") row.tone = cell;
        else row.cells[column] = cell;
      }
    },
  },
};
