document.documentElement.dataset.theme = preferred.matches ? "dark" : "light";
startCurves();
startSchedule();
startGrid();
// A section without anything to draw is gone; so is the way to it.
for (const link of document.querySelectorAll("nav a")) link.hidden = !byId(link.hash.slice(1));
setTheme(document.documentElement.dataset.theme);
route();
