document.documentElement.dataset.theme = preferred.matches ? "dark" : "light";
startCurves();
startSchedule();
startGrid();
startDeploy();
// Empty sections are removed; hide their links.
for (const link of document.querySelectorAll("nav a")) link.hidden = !byId(link.hash.slice(1));
setTheme(document.documentElement.dataset.theme);
route();
