// A page for each run, at #run=FOLDER.
function runLines(title, unit, lines, step) {
  const yAxis = { type: "value", name: title + (unit ? ` (${unit})` : ""), nameTextStyle: { align: "left", padding: [0, 0, 0, -46] } };
  if (lines.every(([, xs]) => xs.length === 1))
    return () => barsOption(lines.map(([name, [epoch], [mean]], i) => ({ name, value: mean, colour: colourOf(i), point: { epoch, mean, n: 1 } })), yAxis);
  return () => ({
    legend: { data: lines.map(([name]) => name) },
    grid: { left: 54, right: 16, top: 58, bottom: 40 },
    xAxis: { type: "value", name: "epoch", nameLocation: "middle", nameGap: 24, minInterval: 1, min: "dataMin", max: "dataMax", splitLine: { show: false } },
    yAxis: { ...yAxis, scale: true },
    dataZoom: zoom().slice(1),
    tooltip: { trigger: "axis", valueFormatter: (value) => number(value) },
    series: lines.map(([name, xs, ys], i) => ({
      name, type: "line", step: step ? "start" : false, showSymbol: xs.length <= 15, symbolSize: 5, data: xs.map((x, at) => [x, ys[at]]),
      itemStyle: { color: colourOf(i) }, lineStyle: { color: colourOf(i), width: 2, type: dashes[i % dashes.length] },
    })),
  });
}

const entry = (name, value) => `<dt>${escaped(name)}</dt><dd>${value}</dd>`;
const errorsText = (errors) => (errors ? `${percent(errors.top1)} % top-1, ${percent(errors.top5)} % top-5 (epoch ${errors.epoch})` : "–");
const flatText = (object) => Object.entries(object ?? {}).map(([name, value]) => `${name.replace(/_/g, " ")}: ${value}`).join(", ");

function showRun(run) {
  const e = run.epochs;
  const charts = [
    ["error", "%", [["validation top-1", e.epoch, e.top1], ["training top-1", e.epoch, e.train1], ["validation top-5", e.epoch, e.top5]]],
    ["loss", "", [["total, weighted", e.epoch, e.loss], ...Object.entries(e.losses).map(([name, values]) => [name, e.epoch, values])]],
    ["weight", "", Object.entries(e.weights).map(([name, values]) => [name, e.epoch, values]), true],
    ["learning rate", "", [["learning rate", e.epoch, e.rate]]],
  ];
  const details = run.details;
  byId("run-body").innerHTML = `
    <h2>${escaped(run.name)}</h2>
    ${run.message ? `<p class="message">${escaped(run.message)}</p>` : ""}
    <dl>
      ${entry("status", escaped(run.status))}${entry("last epoch", errorsText(run.last))}${entry("best epoch", errorsText(run.best))}
      ${entry("folder", `<code>${escaped(run.folder)}</code>`)}
      ${details ? entry("hash", `<code>${escaped(details.hash)}</code>`) : ""}
    </dl>
    ${e.epoch.length > 0 ? `<div class="pair">${charts.map(() => `<div class="chart small"></div>`).join("")}</div>` : "<p>No epoch has been completed.</p>"}
    ${details ? `<h3>Sessions</h3><dl>${details.sessions.map((s) => entry(s.started, `${escaped(s.from)}<br>${escaped(flatText(s.software))}<br>${escaped(flatText(s.hardware))}`)).join("")}</dl>
    <h3>Resolved specification</h3><pre>${escaped(JSON.stringify(details.spec, null, 2))}</pre>` : ""}`;
  byId("run-body").querySelectorAll(".chart").forEach((element, i) => draw(element, runLines(...charts[i])));
}

function route() {
  forget(byId("run-body").querySelectorAll(".chart"));
  byId("run-body").replaceChildren();
  const name = location.hash.startsWith("#run=") ? decodeURIComponent(location.hash.slice(5)) : null;
  const run = data.runs.find((run) => run.folder === name);
  byId("overview").hidden = Boolean(run);
  byId("run").hidden = !run;
  if (run) {
    showRun(run);
    window.scrollTo(0, 0);
  } else {
    // Charts that were hidden had no size.
    for (const element of drawn.keys()) echarts.getInstanceByDom(element)?.resize();
  }
}

window.addEventListener("hashchange", route);
