// Learning curves: mean over the seeds of a row, with a band of ± one standard deviation.
const rowsWithEpochs = data.rows.filter((row) => row.runs.some((run) => data.runs[run].epochs.epoch.length > 0));

const quantities = (() => {
  const names = (part) => [...new Set(data.runs.flatMap((run) => Object.keys(run.epochs[part])))];
  return [
    { key: "top1", text: "top-1 error", unit: "%", of: (e) => e.top1 },
    { key: "top5", text: "top-5 error", unit: "%", of: (e) => e.top5 },
    { key: "train1", text: "training top-1 error", unit: "%", of: (e) => e.train1 },
    { key: "loss", text: "total loss", unit: "", of: (e) => e.loss },
    ...names("losses").map((name) => ({ key: "loss:" + name, text: `loss ${name}, unweighted`, unit: "", of: (e) => e.losses[name] })),
    ...names("weights").map((name) => ({ key: "weight:" + name, text: `weight of ${name}`, unit: "", step: true, of: (e) => e.weights[name] })),
    { key: "rate", text: "learning rate", unit: "", of: (e) => e.rate },
    { key: "speed", text: "images per second", unit: "", of: (e) => e.speed },
  ];
})();

function overSeeds(runs, of) {
  const values = new Map();
  for (const run of runs) {
    const series = of(run.epochs);
    if (!series) continue;
    run.epochs.epoch.forEach((epoch, i) => {
      if (series[i] === null || series[i] === undefined) return;
      if (!values.has(epoch)) values.set(epoch, []);
      values.get(epoch).push(series[i]);
    });
  }
  return [...values.entries()].sort((a, b) => a[0] - b[0]).map(([epoch, seeds]) => {
    const mean = seeds.reduce((sum, value) => sum + value, 0) / seeds.length;
    const std = seeds.length > 1 ? Math.sqrt(seeds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds.length - 1)) : 0;
    return { epoch, mean, std, n: seeds.length };
  });
}

// As in the table: the completed runs, or all runs if none is complete.
function runsOf(row) {
  const runs = row.runs.map((run) => data.runs[run]);
  const completed = runs.filter((run) => run.status === "completed");
  return completed.length > 0 ? completed : runs;
}

// A line with its band: three series of the same name, which the legend toggles together.
function bandSeries(name, index, points, { step = false, unit = "" } = {}) {
  // Errors stay within 0 and 100 %, and a logarithmic axis needs positive values.
  const lower = (p) => Math.max(p.mean - p.std, p.mean > 0 ? p.mean * 0.02 : p.mean - p.std);
  const upper = (p) => (unit === "%" ? Math.min(p.mean + p.std, 100) : p.mean + p.std);
  const common = { name, type: "line", step: step ? "start" : false, symbol: "none", silent: true, stack: "band" + index, z: 1, tooltip: { show: false } };
  const line = {
    name, type: "line", step: step ? "start" : false, showSymbol: points.length <= 15, symbol: "circle", symbolSize: 5, z: 3,
    data: points.map((p) => ({ value: [p.epoch, p.mean], point: p })),
    itemStyle: { color: colourOf(index) }, lineStyle: { color: colourOf(index), width: 2, type: dashOf(index) },
  };
  if (!points.some((p) => p.std > 0)) return [line];
  return [
    line,
    { ...common, data: points.map((p) => [p.epoch, lower(p)]), lineStyle: { opacity: 0 }, itemStyle: { color: colourOf(index) } },
    { ...common, data: points.map((p) => [p.epoch, upper(p) - lower(p)]), lineStyle: { opacity: 0 }, itemStyle: { color: colourOf(index) }, areaStyle: { color: colourOf(index), opacity: isDark() ? 0.28 : 0.18 } },
  ];
}

const axisName = (quantity) => quantity.text + (quantity.unit ? ` (${quantity.unit})` : "");

function curvesOption(quantity, rows, selected) {
  const lines = rows.map((row) => ({ row, points: overSeeds(runsOf(row), quantity.of) })).filter((line) => line.points.length > 0);
  const yAxis = { type: byId("logarithmic").checked ? "log" : "value", name: axisName(quantity), nameLocation: "end", nameTextStyle: { align: "left", padding: [0, 0, 0, -46] } };
  if (lines.every((line) => line.points.length === 1))
    return barsOption(lines.map(({ row, points: [point] }) => ({ name: row.name, value: point.mean, colour: colourOf(row.index), point })), yAxis);
  return {
    legend: { data: lines.map((line) => line.row.name), selected },
    grid: { left: 54, right: 16, top: 58, bottom: 66 },
    xAxis: { type: "value", name: "epoch", nameLocation: "middle", nameGap: 24, minInterval: 1, min: "dataMin", max: "dataMax", splitLine: { show: false } },
    yAxis: { ...yAxis, scale: true },
    dataZoom: zoom(),
    tooltip: {
      trigger: "axis",
      formatter: (items) => {
        const shown = items.filter((item) => item.data.point);
        if (shown.length === 0) return "";
        const lines = shown.map(({ data: { point }, marker, seriesName }) =>
          `${marker} ${escaped(seriesName)} <b>${number(point.mean)}</b>${point.n > 1 ? ` ± ${number(point.std, 2)} (n = ${point.n})` : ""}`);
        return `epoch ${shown[0].data.point.epoch}<br>` + lines.join("<br>");
      },
    },
    series: lines.flatMap(({ row, points }) => bandSeries(row.name, row.index, points, quantity)),
  };
}

// Maximum number of lines shown initially; the legend shows the others.
const mostLines = 8;

function startCurves() {
  if (rowsWithEpochs.length === 0) return byId("curves").remove();
  fill(byId("quantity"), quantities.map((q) => [q.key, q.text]), "top1");
  const selected = Object.fromEntries(rowsWithEpochs.map((row, i) => [row.name, i < mostLines]));
  const show = () => {
    const quantity = quantities.find((q) => q.key === byId("quantity").value);
    const chart = draw(byId("curves-chart"), () => curvesOption(quantity, rowsWithEpochs, selected));
    chart.off("legendselectchanged");
    chart.on("legendselectchanged", (change) => Object.assign(selected, change.selected));
  };
  for (const id of ["quantity", "logarithmic"]) byId(id).addEventListener("change", show);
  show();
}
