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
  chart.setOption(withTheme(foldLegend(element, options())), true);
  return chart;
}

function forget(elements) {
  for (const element of elements) {
    unfolded.delete(element);
    drawn.delete(element);
    echarts.getInstanceByDom(element)?.dispose();
  }
}

// Bars in place of lines with a single point: `bars` has { name, value, colour, point }.
function barsOption(bars, yAxis) {
  return {
    grid: { left: 54, right: 16, top: 34, bottom: 66 },
    xAxis: { type: "category", data: bars.map((bar) => bar.name), axisLabel: { rotate: bars.length > 6 ? 30 : 0 }, splitLine: { show: false } },
    yAxis: { ...yAxis, scale: false },
    tooltip: {
      trigger: "item",
      formatter: ({ data: { point }, marker, name }) =>
        `${marker} ${escaped(name)}<br>epoch ${point.epoch}: <b>${number(point.mean)}</b>${point.n > 1 ? ` ± ${number(point.std, 2)} (n = ${point.n})` : ""}`,
    },
    series: [{ type: "bar", barMaxWidth: 46, data: bars.map((bar) => ({ value: bar.value, point: bar.point, itemStyle: { color: bar.colour } })) }],
  };
}

// Longer legends are folded: they show the first names, and a button shows the others.
const mostNames = 12;
const unfolded = new Set();

function foldLegend(element, option) {
  const names = option.legend?.data ?? [];
  let button = element.previousElementSibling?.classList.contains("fold") ? element.previousElementSibling : null;
  if (names.length <= mostNames) {
    button?.remove();
    element.style.marginBottom = "";
    return option;
  }
  if (!button) {
    button = document.createElement("button");
    button.className = "fold";
    button.addEventListener("click", () => {
      if (!unfolded.delete(element)) unfolded.add(element);
      draw(element, drawn.get(element)).resize();
    });
    element.before(button);
  }
  const isOpen = unfolded.has(element);
  button.textContent = isOpen ? `Show ${mostNames} names` : `Show all ${names.length} names`;
  button.setAttribute("aria-expanded", String(isOpen));
  if (!isOpen) return { ...option, legend: { ...option.legend, data: names.slice(0, mostNames) } };
  // About seven pixels a letter, and room for the symbol.
  const width = Math.max(200, element.clientWidth);
  let [lines, used] = [1, 0];
  for (const name of names) {
    const needed = Math.min(width, 44 + 7 * name.length);
    if (used + needed > width) [lines, used] = [lines + 1, 0];
    used += needed;
  }
  const top = Math.min(22 * lines + 34, element.clientHeight / 2);
  return { ...option, legend: { ...option.legend, type: top < 22 * lines + 34 ? "scroll" : "plain" }, grid: { ...option.grid, top } };
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
