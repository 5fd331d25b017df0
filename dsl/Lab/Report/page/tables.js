// Clicking a heading sorts ascending, then descending, then restores the experiment's order.
function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];

  const keyOf = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const shown = row.cells[column].dataset.value;
    const value = shown !== undefined ? Number(shown) : Number.parseFloat(text.replace("−", "-"));
    return Number.isNaN(value) ? text : value;
  };

  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    // Text sorts after numbers, empty cells last.
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a === b ? 0 : a === "" ? 1 : b === "" ? -1 : a.localeCompare(b, "en", { numeric: true });
  };

  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      const rows = [...original];
      if (next !== "none") {
        const sign = next === "ascending" ? 1 : -1;
        const known = (row) => typeof keyOf(row, column) === "number";
        rows.sort((a, b) => {
          const order = compare(keyOf(a, column), keyOf(b, column));
          return known(a) && known(b) ? sign * order : known(a) || known(b) ? order : sign * order;
        });
      }
      body.append(...rows);
    });
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
