// Top-1 error against the latency of one image in ONNX Runtime; data from `table --deploy`.
function deployOption() {
  const students = data.deploy.filter((row) => !row.isTeacher);
  const series = data.deploy.map((row) => {
    const colour = row.isTeacher ? style("--ink") : colourOf(students.indexOf(row));
    return {
      name: row.name, type: "scatter", symbol: row.isTeacher ? "diamond" : "circle", symbolSize: row.isTeacher ? 15 : 11,
      data: [{ value: [row.latency, row.top1], row }], itemStyle: { color: colour },
      label: { show: true, position: "right", distance: 7, formatter: () => row.name, color: style("--ink") },
      labelLayout: { moveOverlap: "shiftY", hideOverlap: data.deploy.length > 20 },
    };
  });
  return {
    // Room for a name at the right.
    grid: { left: 54, right: isNarrow() ? 80 : 110, top: 34, bottom: 50 },
    xAxis: { type: "value", name: "latency of one image (ms)", nameLocation: "middle", nameGap: 28, min: 0 },
    yAxis: { type: "value", name: "top-1 error (%)", scale: true, nameTextStyle: { align: "left", padding: [0, 0, 0, -46] } },
    tooltip: {
      trigger: "item",
      formatter: ({ data: { row }, marker }) => `${marker} ${escaped(row.name)}<br>top-1 error <b>${percent(row.top1)} %</b><br>latency <b>${number(row.latency, 3)} ms</b><br>throughput <b>${number(row.throughput, 3)}</b> images/s`,
    },
    series,
  };
}

function startDeploy() {
  if (data.deploy.length === 0) return byId("deploy").remove();
  draw(byId("deploy-chart"), deployOption);
}
