// ---- the state of the page in its address, and the data of the charts as CSV

const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

/** Store values in the address by name; null removes a value. */
function remember(values) {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) state.delete(name);
    else state.set(name, value);
  }
  try {
    history.replaceState(null, "", `#${state}`);
  } catch { /* a page inside a report has no own address */ }
}

// the reader may open a link over the page; links within the page, such as #symbols, have no "="
addEventListener("hashchange", () => { if (location.hash.includes("=")) location.reload(); });

const csvField = (value) => {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};
const toCsv = (rows) => rows.map((row) => row.map(csvField).join(",") + "\r\n").join("");

/** Show a button below a chart that saves its data; `table()` returns the rows, the first of which names the columns. */
function offerCsv(graph, chart, owner, table) {
  graph.table = table;
  graph.csvName = `${owner}-${chart}.csv`;
  if (graph.csvButton) return;
  const button = graph.csvButton = document.createElement("button");
  button.type = "button";
  button.className = "csv";
  button.textContent = "CSV";
  button.setAttribute("aria-label", `Save the data of the chart ${chart} as CSV`);
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([toCsv(graph.table())], { type: "text/csv" }));
    link.download = graph.csvName;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  graph.after(button);
}
