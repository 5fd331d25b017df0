// Loss weights over the epochs, one lane per loss and row, with bars relative to the maximum weight.
function lanesOf(rows) {
  const seen = new Set();
  const rowLanes = [];
  const longestOf = (row) => runsOf(row).reduce((a, b) => (b.epochs.epoch.length > a.epochs.epoch.length ? b : a));
  const epochsOf = (variant) => Math.max(...rows.filter((row) => row.variant === variant).map((row) => longestOf(row).epochs.epoch.length));
  for (const row of rows) {
    const run = longestOf(row);
    // A run that ended early adds nothing.
    if (run.epochs.epoch.length < epochsOf(row.variant)) continue;
    const weights = Object.entries(run.epochs.weights);
    // Rows with the same weights in every epoch share their lanes.
    const signature = row.variant + JSON.stringify(weights);
    if (seen.has(signature)) continue;
    seen.add(signature);
    rowLanes.push(weights.map(([loss, values]) => ({ row, loss, epochs: run.epochs.epoch, values, largest: Math.max(...values) })));
  }
  return rowLanes;
}

// The name of a row's lanes: its variant, or the whole row where a variant has several schedules.
function laneNames(lanes) {
  const several = (lane) => lanes.some((other) => other.row !== lane.row && other.row.variant === lane.row.variant);
  return lanes.map((lane) => `${several(lane) ? lane.row.name : lane.row.variant} · ${lane.loss}`);
}

// As many whole rows as fit into the most lanes; at least one.
function wholeRows(rowLanes, most) {
  const shown = [];
  for (const lanes of rowLanes) {
    if (shown.length > 0 && shown.length + lanes.length > most) break;
    shown.push(...lanes);
  }
  return shown;
}

const mostLanes = 40;

function scheduleOption(lanes) {
  const losses = [...new Set(lanes.map((lane) => lane.loss))];
  const items = lanes.flatMap((lane, i) =>
    lane.epochs.map((epoch, at) => ({
      value: [epoch, i, lane.values[at]],
      share: lane.largest > 0 ? lane.values[at] / lane.largest : 0,
      changes: at === 0 || lane.values[at] !== lane.values[at - 1],
      colour: colourOf(losses.indexOf(lane.loss)),
    })));
  const names = laneNames(lanes);
  return {
    grid: { left: isNarrow() ? 118 : 170, right: 18, top: 10, bottom: 66 },
    xAxis: { type: "value", name: "epoch", nameLocation: "middle", nameGap: 24, minInterval: 1, min: (e) => e.min - 0.5, max: (e) => e.max + 0.5, axisLabel: { formatter: (v) => (Number.isInteger(v) ? v : "") }, splitLine: { show: false } },
    yAxis: { type: "category", data: names, inverse: true, splitLine: { show: true }, axisTick: { show: false }, axisLabel: { width: isNarrow() ? 110 : 160, overflow: "break", lineHeight: 14 } },
    dataZoom: zoom().map((z) => ({ ...z, xAxisIndex: 0, filterMode: "none" })),
    tooltip: { formatter: (item) => `${escaped(names[item.value[1]])}<br>epoch ${item.value[0]}: weight <b>${number(item.value[2])}</b>` },
    series: [{
      type: "custom", clip: true, encode: { x: 0, y: 1 }, data: items,
      renderItem: (params, api) => {
        const item = items[params.dataIndex];
        const [x, y] = api.coord([item.value[0], item.value[1]]);
        const [width, height] = api.size([1, 1]);
        const bottom = y + 0.42 * height;
        const bar = Math.max(1, 0.8 * height * item.share);
        const children = [{
          type: "rect", shape: { x: x - width / 2, y: bottom - bar, width: width + 0.5, height: bar },
          style: { fill: item.share === 0 ? style("--line") : item.colour, shapeRendering: "crispEdges" },
        }];
        if (item.changes) {
          // Inside a tall bar, above a short one.
          const inside = bar > 18;
          children.push({
            type: "text", x: x - width / 2 + 4, y: inside ? bottom - bar / 2 : bottom - bar - 2,
            style: { text: number(item.value[2], 3), fill: inside ? "#ffffff" : style("--ink"), stroke: inside ? "rgba(0,0,0,0.55)" : "none", lineWidth: inside ? 2 : 0, font: "bold 12px sans-serif", verticalAlign: inside ? "middle" : "bottom" },
          });
        }
        return { type: "group", children };
      },
    }],
  };
}

function startSchedule() {
  const rowLanes = lanesOf(rowsWithEpochs);
  const shown = wholeRows(rowLanes, mostLanes);
  if (shown.length === 0) return byId("schedule").remove();
  const all = rowLanes.flat().length;
  byId("schedule-more").textContent = all > shown.length ? `Showing ${shown.length} of ${all} schedules.` : "";
  byId("schedule-chart").style.height = `${90 + 34 * shown.length}px`;
  draw(byId("schedule-chart"), () => scheduleOption(shown));
}
