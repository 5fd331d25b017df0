// For the README: shows only the learning curves and the terminal.
for (const part of document.querySelectorAll("nav, footer, .controls, .notes, #overview > section:not(#curves)")) part.hidden = true;
byId("curves").append(byId("terminal").content.cloneNode(true));
document.body.style.fontSize = "17px";
byId("curves-chart").style.height = "380px";
// No slider in a static image.
const curves = drawn.get(byId("curves-chart"));
drawn.set(byId("curves-chart"), () => ({ ...curves(), dataZoom: [], grid: { left: 54, right: 16, top: 58, bottom: 40 } }));
setTheme(location.hash === "#dark" ? "dark" : "light");
for (const element of drawn.keys()) echarts.getInstanceByDom(element)?.resize();
