// The grid: one axis as lines with bands, or two axes as a heat map of one variant.
const axes = [...new Set(data.rows.flatMap((row) => Object.keys(row.axes)))];
const valuesOf = (axis, rows) => {
  const values = [...new Set(rows.map((row) => row.axes[axis]).filter((value) => value !== undefined))];
  return values.every((value) => value !== "" && Number.isFinite(Number(value))) ? values.sort((a, b) => a - b) : values;
};
const short = (axis) => axis.replace(/^(losses|train)\./, "");

function linesOption(axis) {
  const rows = data.rows.filter((row) => row.top1.mean !== null);
  const values = valuesOf(axis, rows);
  const groups = new Map();
  for (const row of rows.filter((row) => row.axes[axis] !== undefined)) {
    const others = axes.filter((other) => other !== axis && row.axes[other] !== undefined).map((other) => `${short(other)} ${row.axes[other]}`);
    const name = [row.variant, ...others].join(", ");
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  const names = [...groups.keys()];
  // Rows that depend on no axis are horizontal lines.
  const flat = rows.filter((row) => Object.keys(row.axes).length === 0);
  const series = names.flatMap((name, index) => {
    const points = values.map((value, at) => {
      const row = groups.get(name).find((row) => row.axes[axis] === value);
      return row && { epoch: at, mean: row.top1.mean, std: row.top1.std ?? 0, n: row.top1.n };
    }).filter(Boolean);
    return bandSeries(name, index, points, { unit: "%" });
  });
  const across = flat.map((row, i) => ({
    name: row.name, type: "line", symbol: "none", data: values.map((_, at) => ({ value: [at, row.top1.mean], point: { mean: row.top1.mean, std: row.top1.std ?? 0, n: row.top1.n } })),
    itemStyle: { color: colourOf(names.length + i) }, lineStyle: { type: "dashed", width: 1.5, color: colourOf(names.length + i) },
  }));
  return {
    legend: { data: [...names, ...flat.map((row) => row.name)] },
    grid: { left: 54, right: 24, top: 58, bottom: 66 },
    xAxis: { type: "category", data: values, name: short(axis), nameLocation: "middle", nameGap: 24, boundaryGap: values.length < 3 },
    yAxis: { type: "value", name: "top-1 error (%)", scale: true, nameTextStyle: { align: "left", padding: [0, 0, 0, -46] } },
    dataZoom: zoom(),
    tooltip: {
      trigger: "axis",
      formatter: (items) => `${escaped(short(axis))} ${escaped(values[items[0].dataIndex])}<br>` + items.filter((item) => item.data.point).map(({ data: { point }, marker, seriesName }) =>
        `${marker} ${escaped(seriesName)} <b>${percent(point.mean)}</b>${point.n > 1 ? ` ± ${percent(point.std)} (n = ${point.n})` : ""}`).join("<br>"),
    },
    series: [...series, ...across],
  };
}

function heatOption(x, y, variant) {
  const rows = data.rows.filter((row) => row.variant === variant && row.axes[x] !== undefined && row.axes[y] !== undefined);
  const [xs, ys] = [valuesOf(x, rows), valuesOf(y, rows)];
  // Averages over further axes; the tooltip shows the number of rows.
  const cells = xs.flatMap((a, i) => ys.map((b, j) => {
    const means = rows.filter((row) => row.axes[x] === a && row.axes[y] === b && row.top1.mean !== null).map((row) => row.top1.mean);
    return means.length > 0 ? { value: [i, j, means.reduce((sum, m) => sum + m, 0) / means.length], n: means.length } : null;
  })).filter(Boolean);
  const errors = cells.map((cell) => cell.value[2]);
  const [least, most] = [Math.min(...errors), Math.max(...errors)];
  // Dark text on light cells.
  for (const cell of cells) cell.label = { color: cell.value[2] > least + 0.6 * (most - least) ? "#111111" : "#ffffff" };
  const failed = rows.filter((row) => row.top1.mean === null).map((row) => ({ value: [xs.indexOf(row.axes[x]), ys.indexOf(row.axes[y])], name: data.runs[row.runs[0]].status }))
    .filter((row) => !cells.some((cell) => cell.value[0] === row.value[0] && cell.value[1] === row.value[1]));
  return {
    grid: { left: 76, right: 20, top: 30, bottom: 112 },
    xAxis: { type: "category", data: xs, name: short(x), nameLocation: "middle", nameGap: 26, splitLine: { show: false } },
    yAxis: { type: "category", data: ys, name: short(y), nameLocation: "end", nameTextStyle: { align: "left", padding: [0, 0, 0, -66] }, splitLine: { show: false } },
    visualMap: {
      seriesIndex: 0, min: least, max: most, calculable: true, orient: "horizontal", left: "center", bottom: 4, precision: 2,
      text: ["top-1 error (%)", ""], textStyle: { color: style("--faint") },
      // viridis, reversed: dark is low error.
      inRange: { color: ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"] },
    },
    tooltip: { formatter: ({ data: cell }) => `${escaped(short(x))} ${escaped(xs[cell.value[0]])}, ${escaped(short(y))} ${escaped(ys[cell.value[1]])}<br>top-1 error <b>${percent(cell.value[2])} %</b>${cell.n > 1 ? `, mean of ${cell.n} rows` : ""}` },
    series: [{ type: "heatmap", data: cells, label: { show: xs.length <= (isNarrow() ? 6 : 14) && ys.length <= 20, formatter: ({ value }) => percent(value[2]) }, itemStyle: { borderColor: style("--page"), borderWidth: 1 } },
    { type: "scatter", data: failed, symbolSize: 1, silent: true, itemStyle: { color: "transparent" }, label: { show: true, formatter: ({ name }) => name, color: style("--faint") } }],
  };
}

function startGrid() {
  const usable = axes.filter((axis) => valuesOf(axis, data.rows.filter((row) => row.top1.mean !== null)).length > 1);
  if (usable.length === 0) return byId("grid").remove();
  const uses = (axis) => data.rows.filter((row) => row.axes[axis] !== undefined).length;
  fill(byId("grid-x"), usable.map((axis) => [axis, axis]), usable.reduce((a, b) => (uses(b) > uses(a) ? b : a)));
  const show = () => {
    const x = byId("grid-x").value;
    const others = axes.filter((axis) => axis !== x);
    const second = byId("grid-y").value;
    fill(byId("grid-y"), [["", "none (lines)"], ...others.map((axis) => [axis, axis])], others.includes(second) ? second : "");
    const y = byId("grid-y").value;
    const variants = [...new Set(data.rows.filter((row) => row.axes[x] !== undefined && (!y || row.axes[y] !== undefined)).map((row) => row.variant))];
    const variant = byId("grid-variant").value;
    fill(byId("grid-variant"), variants.map((name) => [name, name]), variants.includes(variant) ? variant : variants[0]);
    byId("grid-variant").parentElement.hidden = !y;
    draw(byId("grid-chart"), () => (y && variants.length > 0 ? heatOption(x, y, byId("grid-variant").value) : linesOption(x)));
  };
  for (const id of ["grid-x", "grid-y", "grid-variant"]) byId(id).addEventListener("change", show);
  show();
}
