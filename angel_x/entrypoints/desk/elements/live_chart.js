// A chart of ECharts in the colours of the theme.  In its options a text that begins with -- is a variable of the
// style sheet, and one that begins with @ a format of numbers.
import { echarts } from "nicegui-echart";

const NONE = "\u2013";
const MINUS = "\u2212";
const grouped = (places) => {
  const format = new Intl.NumberFormat("en-IN", { minimumFractionDigits: places, maximumFractionDigits: places });
  return (size) => format.format(size);
};
const [whole, one, two] = [0, 1, 2].map(grouped);
const known = (write) => (value) => (value == null || Number.isNaN(Number(value)) ? NONE : write(Number(value)));
const minus = (value) => (value < 0 ? MINUS : "");
const plain = new Intl.NumberFormat("en-IN", { maximumFractionDigits: 2 });
const sign = (value) => (value > 0 ? "+" : minus(value));
const short = (size) => {
  if (size >= 1e7) return `${one(size / 1e7)} Cr`;
  if (size >= 1e5) return `${one(size / 1e5)} L`;
  return whole(size);
};
const rupees = known((value) => `${minus(value)}₹${two(Math.abs(value))}`);
const change = known((value) => `${sign(value)}₹${two(Math.abs(value))}`);
const FORMATS = {
  rupees,
  change,
  price: known((value) => `${minus(value)}${plain.format(Math.abs(value))}`),
  units: known((value) => `${minus(value)}${whole(Math.abs(value))}`),
  percent: known((value) => `${minus(value)}${two(Math.abs(value))} %`),
  short: known((value) => `${minus(value)}${short(Math.abs(value))}`),
  // Cells of a heat map: column, row, P&L, margin, moves in words.
  cell: ({ value }) => `${sign(value[2])}${short(Math.abs(value[2]))}`,
  state: ({ value }) => `${value[4]}<br>P&amp;L <b>${change(value[2])}</b><br>Margin ${rupees(value[3])}`,
};

const resolved = (value, style) => {
  if (Array.isArray(value)) return value.map((each) => resolved(each, style));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, style)]));
  if (typeof value !== "string") return value;
  if (value.startsWith("--")) return style.getPropertyValue(value).trim();
  return value.startsWith("@") ? FORMATS[value.slice(1)] : value;
};

// A zoom is kept as places on the axis: in percents of the axis it would move whenever the axis grows.  A side that is
// not zoomed follows the numbers, and a zoom to where there are none, as on another day, ends.
const place = (x) => (typeof x === "string" ? Date.parse(x) : x);
const keptZoom = ({ start, end, startValue, endValue }, axis, series) => {
  const [first, last] = [start > 0.01, end < 99.99];
  if (axis.type === "category" || !(first || last)) return {};
  const isShown = ([x]) => !(first && place(x) < startValue) && !(last && place(x) > endValue);
  if (!series.some(({ data }) => data.some(isShown))) return { start: 0, end: 100 };
  return { ...(first ? { startValue } : { start: 0 }), ...(last ? { endValue } : { end: 100 }) };
};

export default {
  template: `
  <div class="ax-chart-box">
    <div v-show="options" ref="place" class="ax-chart" :class="kind" role="img" :aria-label="label"></div>
    <div v-if="!options" class="ax-empty">
      <p v-if="waits">Waiting for the API…</p>
      <template v-else><p><b>{{ empty[0] }}</b></p><p>{{ empty[1] }}</p></template>
    </div>
  </div>`,
  props: { options: Object, label: String, empty: Array, waits: Boolean, kind: String },
  mounted() {
    this.watcher = new ResizeObserver(() => this.chart?.resize());
    this.watcher.observe(this.$refs.place);
    // The style sheet of the theme applies with the next frame.
    this.repaint = () => requestAnimationFrame(() => this.draw());
    window.addEventListener("ax-theme", this.repaint);
    this.draw();
  },
  unmounted() {
    window.removeEventListener("ax-theme", this.repaint);
    this.watcher.disconnect();
    this.chart?.dispose();
  },
  watch: { options() { this.$nextTick(() => this.draw()); } },
  methods: {
    draw() {
      if (!this.options || !this.$refs.place?.clientWidth) return;
      this.chart ??= echarts.init(this.$refs.place);
      // Merged, so that chosen lines stay.
      const options = resolved(this.options, getComputedStyle(document.documentElement));
      const zoom = this.chart.getOption()?.dataZoom?.[0];
      if (zoom && options.dataZoom) {
        const kept = keptZoom(zoom, options.xAxis, options.series);
        options.dataZoom = options.dataZoom.map((each) => ({ ...each, ...kept }));
      }
      this.chart.setOption(options, { replaceMerge: ["series"] });
    },
  },
};
