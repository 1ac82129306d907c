// ---- arms: experiments that differ only in their training

const ARM_CHARTS = [ // `own`: name of a run's final value in collect.py; `converged`: whether the mean is over converged runs
  { name: "flatness", symbol: "⟨F⟩", title: "final flatness", unit: "flatness", own: "flatness", converged: true },
  { name: "eta_t_freeze", symbol: "η⟨t<sub>freeze</sub>⟩", title: "freezing time", own: "freezing_time" },
  { name: "train_loss", symbol: "⟨ℒ<sub>train</sub>⟩", title: "final training loss", unit: "train_loss", own: "train_loss", log: true },
  { name: "test_file_loss", symbol: "⟨ℒ<sub>file</sub>⟩", title: "loss on the whole test file", unit: "train_loss", own: "test_file_loss" },
  { name: "test_file_accuracy", symbol: "⟨Acc<sub>file</sub>⟩", title: "accuracy on the whole test file", own: "test_file_accuracy", converged: true },
  { name: "similarity", symbol: "⟨Sim<sub>J</sub>⟩", title: "similarity of an arm’s solutions" },
];

const describeTraining = (training) => Object.entries(training).map(([key, value]) =>
  `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ") || "as in the paper";

/** Return an experiment's values of a cell "eta,B": {summary, runs, eta, B, noiseless}, or null. */
function armCell(name, eta, B) {
  const own = data.experiments[name], i = own.eta.indexOf(eta), j = own.B.indexOf(B);
  const summary = i >= 0 && j >= 0 && own.summaries ? own.summaries[i][j] : null;
  return summary && { name, eta, B, summary, runs: own.cells[i][j], noiseless: own.deterministic.includes(B) };
}

/** Return the cells of gradient descent at this eta, of any arm; a line shows the first one. */
const descents = (group, eta) => group.flatMap((name) =>
  data.experiments[name].deterministic.map((B) => armCell(name, eta, B)).filter(Boolean));

/** Show the arms of the chosen experiment; hide the section for an experiment without other arms. */
function showArms() {
  const group = data.arms.find((names) => names.includes(experiment.name));
  find("arms-section").hidden = !group;
  find("arms-charts").querySelectorAll(".plot").forEach((graph) => Plotly.purge(graph));
  find("arms-charts").replaceChildren();
  if (!group) return;
  const cells = new Map();
  for (const name of group) {
    const { eta, B } = data.experiments[name];
    for (const rate of eta) for (const size of B) if (armCell(name, rate, size)) cells.set(`${rate},${size}`, [...(cells.get(`${rate},${size}`) || []), name]);
  }
  const shared = [...cells].filter(([, names]) => names.length > 1);
  const most = Math.max(...shared.map(([, names]) => names.length));
  const wanted = state.get("arms_cell");
  const at = shared.some(([cell]) => cell === wanted) ? wanted : (shared.find(([, names]) => names.length === most) || [""])[0];
  find("arms-cell").innerHTML = shared.map(([cell, names]) => {
    const [eta, B] = cell.split(",");
    return `<option value="${cell}" ${cell === at ? "selected" : ""}>η = ${eta}, B = ${B}: ${names.length} arms</option>`;
  }).join("");
  const chosen = (state.get("arms") || "").split(",").filter((name) => group.includes(name));
  find("arms-choice").innerHTML = "<legend>Arms</legend>" + group.map((name) =>
    `<label><input type="checkbox" value="${name}" ${!chosen.length || chosen.includes(name) ? "checked" : ""}> ${name} <small>${describeTraining(data.experiments[name].training)}</small></label>`).join("");
  for (const chart of ARM_CHARTS) {
    const box = document.createElement("div");
    box.className = "map";
    box.innerHTML = `<h3><b>${chart.symbol}</b> <span>${chart.title}</span></h3><div class="plot" id="arms-${chart.name}" role="img" aria-label="${plainText(chart.symbol)}, ${chart.title}, of each arm"></div>`;
    find("arms-charts").append(box);
  }
  return drawArms(group);
}

function drawArms(group) {
  const [eta, B] = find("arms-cell").value.split(",");
  const boxes = [...find("arms-choice").querySelectorAll("input")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const shown = chosen.map((name) => armCell(name, eta, Number(B))).filter(Boolean);
  const [descent] = descents(group, eta);
  const absent = chosen.length - shown.length;
  find("arms-summary").textContent = `${shown.length} arms at η = ${eta}, B = ${B}` + (absent ? `; arms without runs of this cell: ${absent}` : "")
    + (descent ? `; dashed: gradient descent, ${descent.name}, B = ${descent.B}.` : "; no gradient descent at this η.");
  return Promise.all(ARM_CHARTS.map((chart) => drawArmChart(chart, shown, descent)));
}

function drawArmChart(chart, shown, descent) {
  const graph = find(`arms-${chart.name}`), unit = chart.unit ? unitLabel(chart.unit) : "";
  const height = shown.map((_, k) => shown.length - 1 - k); // the first arm on top
  const of = ({ summary }) => summary[chart.name];
  const each = shown.flatMap(({ runs, eta, name }, k) => !chart.own ? [] : runs.final[chart.own].flatMap((value, r) =>
    value === null || (chart.converged && runs.state[r] !== "converged") ? []
      : [{ x: chart.own === "freezing_time" ? eta * value : value, y: height[k] + 0.5 * ((0.618 * r) % 1 - 0.5), text: `${name}, realization ${runs.realization[r]}` }]));
  const known = shown.map((arm, k) => ({ arm, y: height[k], ...of(arm) })).filter(({ mean }) => mean !== null);
  const side = (key, sign) => known.map((each) => (each[key] === null ? 0 : sign * (each[key] - each.mean)));
  const line = descent && of(descent).mean;
  const traces = [
    { x: each.map(({ x }) => x), y: each.map(({ y }) => y), text: each.map(({ text }) => text), mode: "markers", marker: { color: "#9a9a9a", size: 4 }, hovertemplate: "%{text}: %{x:.3g}<extra></extra>" },
    {
      x: known.map(({ mean }) => mean), y: known.map(({ y }) => y), mode: "markers", marker: { color: known.map(({ arm }) => (arm.noiseless ? INK : SIDES.flat)), size: 8 },
      error_x: { type: "data", symmetric: false, array: side("high", 1), arrayminus: side("low", -1), thickness: 1.5, width: 4, color: INK },
      text: known.map(({ arm, runs, low, high }) => `${arm.name}, ${runs} runs` + (low === null ? "" : `, 95% interval ${formatNumber(low)} to ${formatNumber(high)}`)),
      hovertemplate: "%{text}: %{x:.3g}<extra></extra>",
    },
  ];
  const all = [...each.map(({ x }) => x), ...known.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean])];
  const log = chart.log && Math.min(...all) > 0 && Math.max(...all) > 5 * Math.min(...all);
  const letters = Math.max(4, ...shown.map(({ name }) => name.length));
  offerCsv(graph, `arms-${chart.name}`, experiment.name, () => [["arm", "eta", "B", "mean", "low", "high", "runs"],
    ...[...shown, ...(descent && !shown.some(({ name, B }) => name === descent.name && B === descent.B) ? [descent] : [])]
      .map((arm) => [arm.name, arm.eta, arm.B, of(arm).mean, of(arm).low, of(arm).high, of(arm).runs])]);
  graph.style.height = `${70 + 26 * Math.max(3, shown.length)}px`;
  return Plotly.react(graph, traces, {
    font: FONT, margin: { l: 14 + 7 * letters, r: 12, t: 6, b: 40 }, showlegend: false, hovermode: "closest", dragmode: false,
    xaxis: { title: { text: chart.symbol + unit, standoff: 4 }, type: log ? "log" : "linear", ...(log ? { dtick: Math.max(...all) > 100 * Math.min(...all) ? 1 : "D2" } : { nticks: 5 }), gridcolor: "#eee", zeroline: false, fixedrange: true },
    yaxis: { tickvals: height, ticktext: shown.map(({ name }) => name), range: [-0.6, shown.length - 0.4], showgrid: false, zeroline: false, fixedrange: true },
    shapes: line === null || line === undefined ? [] : [{ type: "line", x0: line, x1: line, yref: "paper", y0: 0, y1: 1, line: { color: INK, width: 1.5, dash: "dash" } }],
  }, QUIET);
}

/** Draw the chosen arms, and store the choice in the address. */
function chooseArms() {
  const boxes = [...find("arms-choice").querySelectorAll("input")], chosen = boxes.filter((box) => box.checked);
  remember({ arms_cell: find("arms-cell").value, arms: chosen.length === boxes.length ? null : chosen.map((box) => box.value).join(",") });
  return drawArms(data.arms.find((names) => names.includes(experiment.name)));
}
