// Shared by all charts: data, colours, theme, and redrawing when the theme or size changes.
const data = JSON.parse(document.getElementById("data").textContent);
// Values that several runs share are stored once in `shared`; runs hold their indices.
const unshared = (value) => (typeof value === "number" ? data.shared[value] : Object.fromEntries(Object.entries(value).map(([name, at]) => [name, unshared(at)])));
for (const run of data.runs) {
  run.epochs = unshared(run.epochs);
  if (!run.details) continue;
  run.details.spec = unshared(run.details.spec);
  for (const session of run.details.sessions) for (const part of ["software", "hardware"]) session[part] = unshared(session[part]);
}
const byId = (id) => document.getElementById(id);

// The colour-blind safe palette of Okabe and Ito, with a darker yellow for contrast on white.
const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A00", "#7F7F7F"];
const dashes = ["solid", "dashed", "dotted"];
const colourOf = (index) => palette[index % palette.length];
const dashOf = (index) => dashes[Math.floor(index / palette.length) % dashes.length];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => document.documentElement.dataset.theme === "dark";
const isNarrow = () => window.innerWidth <= 600;

const number = (value, digits = 4) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(digits))));
const percent = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

const drawn = new Map();

// Draws a chart into an element; `options` is a function because colours depend on the theme.
function draw(element, options) {
  drawn.set(element, options);
  let chart = echarts.getInstanceByDom(element);
  if (!chart) chart = echarts.init(element, null, { renderer: "svg" });
  chart.setOption(withTheme(options()), true);
  return chart;
}

function forget(elements) {
  for (const element of elements) {
    drawn.delete(element);
    echarts.getInstanceByDom(element)?.dispose();
  }
}

function axisLook(axis) {
  const ink = style("--faint");
  return {
    ...axis,
    nameTextStyle: { color: ink, ...axis.nameTextStyle },
    axisLabel: { color: ink, hideOverlap: true, ...axis.axisLabel },
    axisLine: { lineStyle: { color: style("--line") } },
    splitLine: { lineStyle: { color: style("--line"), opacity: 0.6 }, show: axis.splitLine?.show ?? true },
  };
}

function withTheme(option) {
  const ink = style("--ink");
  const many = (value, change) => (Array.isArray(value) ? value.map(change) : value && change(value));
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    ...option,
    legend: option.legend && {
      type: "scroll", top: 0, left: 0, right: 0, itemWidth: 26, icon: undefined,
      pageIconColor: ink, pageTextStyle: { color: ink }, ...option.legend, textStyle: { color: ink },
    },
    tooltip: option.tooltip && {
      confine: true, backgroundColor: style("--panel"), borderColor: style("--line"), textStyle: { color: ink, fontSize: 13 }, ...option.tooltip,
    },
    xAxis: many(option.xAxis, axisLook),
    yAxis: many(option.yAxis, axisLook),
  };
}

// A slider, and zooming with Ctrl and the wheel or with two fingers; plain scrolling scrolls the page.
const zoom = () => [
  { type: "slider", height: 18, bottom: 6, borderColor: style("--line"), textStyle: { color: style("--faint") }, showDataShadow: false, brushSelect: false },
  { type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: "shift", preventDefaultMouseMove: false },
];

function redraw() {
  for (const [element, options] of drawn) draw(element, options);
}

window.addEventListener("resize", () => {
  for (const element of drawn.keys()) echarts.getInstanceByDom(element)?.resize();
});

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  redraw();
}

byId("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
const preferred = window.matchMedia("(prefers-color-scheme: dark)");
preferred.addEventListener("change", (change) => setTheme(change.matches ? "dark" : "light"));

function fill(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value, false, value === chosen)));
}
