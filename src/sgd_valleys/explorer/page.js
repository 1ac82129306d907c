// All charts show `data`; collect.py documents its names.

const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const GREY = "#b8b8b8", INK = "#222222", SOFT = "#595959";
const STYLES = {
  "converged": { color: "#0072B2", dash: "solid" },
  "not converged": { color: "#D55E00", dash: "dot" },
  "diverged": { color: "#000000", dash: "dash" },
};
const SYMBOLS = ["circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open"]; // markers of B
const QUIET = { displayModeBar: false, responsive: true };
const SPACE = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["tableRotation", "resetCameraLastSave3d"] };
const FONT = { family: '"DejaVu Sans", Verdana, sans-serif', size: 11, color: INK };

let experiment; // the experiment on the page
let sweep; // its heatmaps, from heatmaps()
let cell = null; // [i, j], the cell whose runs are on the page
let pinned = false;

// ---- numbers

/** Return an array from base64 of float32 as nested lists. */
function unpack(array) {
  const bytes = Uint8Array.from(atob(array.f4), (letter) => letter.charCodeAt(0));
  const values = Array.from(new Float32Array(bytes.buffer), (value) => (Number.isFinite(value) ? value : null));
  const nested = (depth, start, size) =>
    depth === array.shape.length - 1
      ? values.slice(start, start + size)
      : Array.from({ length: array.shape[depth] }, (_, k) => {
          const part = size / array.shape[depth];
          return nested(depth + 1, start + k * part, part);
        });
  return nested(0, 0, values.length);
}

const log10 = (value) => (value > 0 ? Math.log10(value) : null);
const scale = (colors) => colors.map((color, k) => [k / (colors.length - 1), color]);
const column = (points, k) => points.map((point) => point[k]);

/** Format a number to `digits` significant digits; from 100 on as an integer. */
function formatNumber(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value === 0 ? "0" : value.toPrecision(digits);
}

function ordinal(n) {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] || "th";
  return n + ending;
}

/** Return the rank of a cell in a heatmap: "3rd of 47, the flattest first", "2nd of 47, the flattest first, tied with 4". */
function rankText(map, [i, j]) {
  const rank = map.rank[i][j], share = map.share[i][j];
  if (!rank) return "no converged run";
  const among = map.rank.flat().filter((each) => each > 0).length;
  const text = `${ordinal(rank)} of ${among}, the ${map.superlative} first`;
  return share > 1 ? `${text}, tied with ${share - 1}` : text;
}

const batchLabel = (B) => (experiment.deterministic.includes(B) ? `${B} (GD)` : String(B));
const unitLabel = (name) => (experiment.units[name] === "1" ? "" : ` (${experiment.units[name]})`);

/** Return a symbol without HTML tags, for screen readers. */
const plainText = (symbol) => symbol.replace(/<sub>/g, "_").replace(/<\/sub>/g, "");

// ---- heatmaps

/**
 * Draw heatmaps over one grid; all heatmaps mark the same cell.
 *
 * `axes`: {x: {title, labels}, y: {title, labels}}; `maps`: [{name, symbol, title, values (x, y), log, span, colormap, unstable}];
 * `tooltip`: (map, [i, j]) => text; `show`: ([i, j], pin) => called when the pointer is on a cell or the user chooses one;
 * `owner`: the name of the experiment or diagram, for the names of saved files.
 */
function heatmaps(container, axes, maps, tooltip, show, owner) {
  container.replaceChildren();
  const drawn = maps.map((map) => {
    const box = document.createElement("div");
    box.className = "map";
    box.innerHTML = `<h3><b>${map.symbol}</b> <span>${map.title}</span></h3><div class="plot" tabindex="0" role="application"></div>
      <div class="scale" aria-hidden="true"><b></b><i></i><b></b></div>`;
    container.append(box);
    const graph = box.querySelector(".plot");
    graph.dataset.map = map.name;
    graph.setAttribute("aria-label", `Heatmap of ${plainText(map.symbol)}, ${map.title}. Arrow keys choose a cell, Enter pins it.`);
    graph.setAttribute("aria-describedby", container.dataset.status);
    drawScale(box.querySelector(".scale"), map);
    const { x, y } = axes;
    offerCsv(graph, map.name, owner, () => [[x.title, y.title, map.title, ...(map.error ? ["standard error"] : [])],
      ...x.values.flatMap((first, i) => y.values.map((second, j) => [first, second, map.values[i][j], ...(map.error ? [map.error[i][j]] : [])]))]);
    return { graph, ready: drawHeatmap(graph, axes, map, tooltip) };
  });
  const size = [axes.x.labels.length, axes.y.labels.length];
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  let marked = null;
  for (const { graph, ready } of drawn) {
    ready.then(() => {
      graph.on("plotly_hover", ({ points: [point] }) => show([point.x, point.y], false));
      graph.on("plotly_click", ({ points: [point] }) => show([point.x, point.y], true));
    });
    graph.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step) {
        const from = marked || [0, 0].map((each, k) => each - step[k]);
        show(from.map((each, k) => Math.min(size[k] - 1, Math.max(0, each + step[k]))), false, true);
      } else if (event.key === "Enter" || event.key === " ") {
        show(marked || [0, 0], true);
      } else if (event.key === "Escape") {
        show(null, true);
      } else return;
      event.preventDefault();
    });
  }
  return {
    ready: Promise.all(drawn.map(({ ready }) => ready)),
    mark(at, kept) {
      marked = at;
      const frame = at && { type: "rect", x0: at[0] - 0.5, x1: at[0] + 0.5, y0: at[1] - 0.5, y1: at[1] + 0.5 };
      const shapes = frame ? [
        { ...frame, line: { color: "#ffffff", width: 5 } },
        { ...frame, line: { color: "#d00000", width: 2.5, dash: kept ? "solid" : "dot" } },
      ] : [];
      for (const { graph } of drawn) Plotly.relayout(graph, { shapes: [...graph.fixedShapes, ...shapes] });
    },
    purge: () => drawn.forEach(({ graph }) => Plotly.purge(graph)),
  };
}

const colorValue = (map, value) => (value === null ? null : map.log ? log10(value) : value);

/** Return black or white, the one with more contrast on a colour #rrggbb. */
function textColor(color) {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff";
}

function drawScale(container, map) {
  const values = map.values.flat().filter((value) => colorValue(map, value) !== null);
  container.hidden = values.length === 0;
  const [low, high] = container.querySelectorAll("b");
  const [from, to] = map.span || [Math.min(...values), Math.max(...values)];
  low.textContent = formatNumber(from);
  high.textContent = formatNumber(to) + (map.log ? " (log)" : "");
  container.querySelector("i").style.background = `linear-gradient(to right, ${map.colormap.join(",")})`;
}

function drawHeatmap(graph, axes, map, tooltip) {
  const { x, y } = axes;
  const rows = (value) => y.labels.map((_, j) => x.labels.map((_, i) => value(i, j)));
  const z = rows((i, j) => colorValue(map, map.values[i][j]));
  const common = { type: "heatmap", xgap: 1, ygap: 1, showscale: false };
  const shades = z.flat().filter((value) => value !== null);
  const [low, high] = map.span || [Math.min(...shades), Math.max(...shades)];
  const steps = map.colormap.length - 1;
  const background = (value) => (value === null ? GREY : map.colormap[Math.round(steps * (high > low ? (value - low) / (high - low) : 0.5))]);
  const cells = y.labels.flatMap((_, j) => x.labels.map((_, i) => [i, j]));
  const traces = [
    { // grey under all cells, so that cells without a value have a tooltip
      ...common, z: rows(() => 0), hoverinfo: "text", hovertext: rows((i, j) => tooltip(map, [i, j])),
      colorscale: scale([GREY, GREY]), zmin: 0, zmax: 1,
    },
    { ...common, z, hoverinfo: "skip", colorscale: scale(map.colormap), ...(map.span ? { zmin: low, zmax: high } : {}) },
    {
      type: "scatter", mode: "text", x: column(cells, 0), y: column(cells, 1), hoverinfo: "skip",
      text: cells.map(([i, j]) => formatNumber(map.values[i][j], Math.abs(map.values[i][j]) < 0.01 ? 2 : 3)), // few digits, to fit into a cell
      textfont: { size: 10, color: cells.map(([i, j]) => textColor(background(z[j][i]))) },
    },
  ];
  const axis = ({ title, labels }) => ({
    title: { text: title, standoff: 4 }, tickvals: labels.map((_, k) => k), ticktext: labels, fixedrange: true,
    showgrid: false, zeroline: false, ticks: "", range: [-0.5, labels.length - 0.5],
  });
  graph.fixedShapes = (map.unstable || []).flatMap((i) => [[-0.5, 0.5], [0.5, -0.5]].map(([left, right]) => ({
    type: "line", x0: i + left, x1: i + right, y0: -0.5, y1: y.labels.length - 0.5, line: { color: INK, width: 1 },
  })));
  const layout = {
    font: FONT, margin: { l: 26 + 7 * Math.max(...y.labels.map((label) => label.length)), r: 4, t: 4, b: 38 }, showlegend: false, xaxis: { ...axis(x), tickangle: 0 }, yaxis: axis(y), dragmode: false,
    shapes: graph.fixedShapes, hoverlabel: { align: "left" },
  };
  return Plotly.newPlot(graph, traces, layout, QUIET);
}

// ---- the runs of a cell

/** Return the curves of many runs as one trace, which Plotly draws faster; `customdata` is the realization. */
function curves(runs, x, name, style) {
  const trace = { x: [], y: [], customdata: [] };
  for (const { number, values } of runs) {
    trace.x.push(...x, null);
    trace.y.push(...values, null);
    trace.customdata.push(...x.map(() => number), null);
  }
  return {
    ...trace, name, mode: "lines", line: { width: 1, ...style }, connectgaps: false,
    hovertemplate: "realization %{customdata}, t = %{x}: %{y:.3g}<extra></extra>",
  };
}

function drawRuns(at) {
  const runs = at && experiment.cells[at[0]][at[1]];
  const eta = at && experiment.eta[at[0]];
  const numbers = runs ? runs.realization : [];
  const t = runs ? experiment.iteration[eta] : [];
  const loss = runs ? unpack(runs.loss) : [], flatness = runs ? unpack(runs.flatness) : [];
  const of = (state) => numbers.flatMap((number, r) => (runs.state[r] === state ? [{ number, r }] : []));
  const losses = Object.entries(STYLES).map(([state, style]) =>
    curves(of(state).map(({ number, r }) => ({ number, values: loss[r] })), t, state, style));
  const frozen = numbers.map((number, r) => ({ number, r, time: runs.final.freezing_time[r] })).filter(({ time }) => time !== null);
  losses.push({
    x: frozen.map(({ time }) => time), y: frozen.map(({ r, time }) => loss[r][t.indexOf(time)]), name: "t_freeze",
    customdata: frozen.map(({ number }) => number), mode: "markers",
    marker: { symbol: "diamond", size: 8, color: "#ffffff", line: { color: INK, width: 1.2 } },
    hovertemplate: "realization %{customdata}: t<sub>freeze</sub> = %{x}<extra></extra>",
  });
  const end = t.length ? t[t.length - 1] : 1;
  const axis = { title: { text: "iteration t", standoff: 4 }, range: [0, 1.02 * end], zeroline: false, gridcolor: "#eee" };
  const finite = loss.flat().map(log10).filter((value) => value !== null);
  const decades = Math.max(...finite) - Math.min(...finite);
  const layout = {
    font: FONT, margin: { l: 52, r: 10, t: 6, b: 34 }, showlegend: false, xaxis: axis, hovermode: "closest", dragmode: false,
    yaxis: { zeroline: false, gridcolor: "#eee", exponentformat: "power" },
  };
  const threshold = { xref: "paper", x0: 0, x1: 1, y0: experiment.L_c, y1: experiment.L_c, line: { color: SOFT, dash: "dot", width: 1 } };
  const name = { xref: "paper", x: 1, y: Math.log10(experiment.L_c), xanchor: "right", yanchor: "bottom", showarrow: false,
    text: `L<sub>c</sub> = ${experiment.L_c}`, font: { color: SOFT }, bgcolor: "rgba(255,255,255,0.8)" };
  const marks = at ? { shapes: [{ type: "line", ...threshold }], annotations: [name] } : {};
  const withCurve = runs ? runs.flatness_realization : [];
  const ends = Object.entries(STYLES).map(([state, { color }]) => ({
    x: of(state).map(() => end), y: of(state).map(({ r }) => runs.final.flatness[r]), name: state, mode: "markers",
    customdata: of(state).map(({ number }) => number), cliponaxis: false,
    marker: { color, size: 6, symbol: state === "converged" ? "circle" : "x" },
    hovertemplate: "realization %{customdata}: F = %{y:.3g} at the end<extra></extra>",
  }));
  const along = Object.entries(STYLES).map(([state, style]) => curves(
    of(state).filter(({ number }) => withCurve.includes(number)).map(({ number }) => ({ number, values: flatness[withCurve.indexOf(number)] })),
    t, state, style));
  find("flatness-hint").textContent = !at ? "" : withCurve.length
    ? `Curves: ${withCurve.length} of ${numbers.length} runs, measured along training. Points: final values of all runs.`
    : "This cell has no measurement along training. Points: final values of all runs.";
  const flat = { ...layout, yaxis: { ...layout.yaxis, title: { text: `F${unitLabel("flatness")}`, standoff: 4 }, rangemode: "tozero", nticks: 5 } };
  const log = { ...layout, ...marks, yaxis: { ...layout.yaxis, type: "log", dtick: decades > 2 ? 1 : "D2", title: { text: `ℒ<sub>train</sub>${unitLabel("train_loss")}`, standoff: 4 } } };
  const chosen = runs ? [eta, experiment.B[at[1]]] : [];
  offerCsv(find("cell-loss"), "cell-loss", experiment.name, () => [["eta", "B", "realization", "state", "t", "train_loss"],
    ...numbers.flatMap((number, r) => t.map((each, k) => [...chosen, number, runs.state[r], each, loss[r][k]]))]);
  offerCsv(find("cell-flatness"), "cell-flatness", experiment.name, () => [["eta", "B", "realization", "t", "flatness"],
    ...withCurve.flatMap((number, r) => t.map((each, k) => [...chosen, number, each, flatness[r][k]])),
    ...numbers.flatMap((number, r) => (withCurve.includes(number) ? [] : [[...chosen, number, end, runs.final.flatness[r]]]))]);
  return Promise.all([
    Plotly.react("cell-loss", losses, log, QUIET),
    Plotly.react("cell-flatness", [...along, ...ends], flat, QUIET),
  ]);
}

const COLUMNS = {
  train_loss: ["ℒ<sub>train</sub>", (value) => value.toPrecision(3)],
  test_accuracy: ["Acc<sub>test</sub>", (value) => value.toFixed(3)],
  test_file_accuracy: ["Acc<sub>file</sub>", (value) => value.toFixed(4)],
  flatness: ["F", (value) => value.toPrecision(3)],
  freezing_time: ["t<sub>freeze</sub>", (value) => value.toFixed(0)],
};
const dataElement = (value, format) => (value === null ? "–" : `<data value="${value}">${format(value)}</data>`);

function fillTables(at) {
  const runs = at && experiment.cells[at[0]][at[1]];
  find("cell-eta").value = at ? at[0] : "";
  find("cell-B").value = at ? at[1] : "";
  find("pin").disabled = !at;
  find("pin").setAttribute("aria-pressed", pinned);
  find("pin").textContent = pinned ? "Unpin this cell" : "Pin this cell";
  const count = (state) => runs.state.filter((each) => each === state).length;
  find("cell-summary").textContent = !at ? "Point at a cell of a heatmap, or choose one here." : !runs ? "This cell has no runs."
    : `η = ${experiment.eta[at[0]]}, B = ${batchLabel(experiment.B[at[1]])}: ${runs.state.length} run${runs.state.length === 1 ? "" : "s"}, `
      + `${count("converged")} converged (solid)` + Object.entries({ "not converged": "dotted", diverged: "dashed" })
        .filter(([state]) => count(state)).map(([state, dash]) => `, ${count(state)} ${state} (${dash})`).join("") + ".";
  find("cell-places").tBodies[0].innerHTML = !at ? "" : experiment.maps.map((map) =>
    `<tr><td>${map.symbol}</td><td>${dataElement(map.values[at[0]][at[1]], formatNumber)}</td><td>${rankText(map, at)}</td></tr>`).join("");
  const shown = Object.entries(COLUMNS).filter(([name]) => runs && name in runs.final);
  find("cell-runs").tHead.innerHTML = !runs ? "" : `<tr><th scope="col">run</th>${shown.map(([, [symbol]]) =>
    `<th scope="col">${symbol}</th>`).join("")}<th scope="col">state</th></tr>`;
  find("cell-runs").tBodies[0].innerHTML = !runs ? "" : runs.realization.map((number, r) =>
    `<tr><td>${number}</td>${shown.map(([name, [, format]]) => `<td>${dataElement(runs.final[name][r], format)}</td>`).join("")}<td>${runs.state[r]}</td></tr>`).join("");
}

/** Show a cell's runs. While a cell is pinned, the pointer on other cells has no effect; choosing the pinned cell again unpins it. */
function showCell(at, choose, moved) {
  if (choose) {
    pinned = Boolean(at) && !(pinned && cell && at[0] === cell[0] && at[1] === cell[1]);
  } else if (pinned && !moved) return;
  if (at || !choose) cell = at;
  if (choose || (moved && pinned)) remember({ cell: pinned ? `${experiment.eta[cell[0]]},${experiment.B[cell[1]]}` : null });
  sweep.mark(cell, pinned);
  fillTables(cell);
  return drawRuns(cell);
}

function drawSweep() {
  const { eta, B } = experiment;
  const axes = {
    x: { title: "η", labels: eta, values: eta },
    y: { title: "B", values: B, labels: B.map((each) => (experiment.deterministic.join() === String(each) ? "GD" : batchLabel(each))) },
  };
  const tooltip = (map, [i, j]) => `η = ${eta[i]}, B = ${batchLabel(B[j])}<br>${map.symbol}: ${formatNumber(map.values[i][j])}<br>${rankText(map, [i, j])}`;
  sweep = heatmaps(find("maps"), axes, experiment.maps.map((map) => ({ ...map, colormap: experiment.colors.colormap })), tooltip, showCell, experiment.name);
  const options = (labels) => `<option value="" disabled></option>` + labels.map((label, k) => `<option value="${k}">${label}</option>`).join("");
  find("cell-eta").innerHTML = options(eta);
  find("cell-B").innerHTML = options(B.map(batchLabel));
  // the first cell is that of the run with branches, or the middle cell
  const { branches } = experiment;
  cell = branches ? [eta.indexOf(branches.eta), B.indexOf(branches.B)] : [eta, B].map((each) => Math.floor(each.length / 2));
  pinned = false;
  const [rate, size] = (state.get("cell") || "").split(","), linked = [eta.indexOf(rate), B.indexOf(Number(size))];
  const isLinked = Math.min(...linked) >= 0;
  return sweep.ready.then(() => showCell(isLinked ? linked : cell, isLinked));
}

// ---- 3D scenes

function drawScene(graph, traces, explained) {
  const share = (k) => `PC${k + 1} (${Math.round(100 * explained[k])}%)`;
  const axis = (text) => ({ title: { text, font: { size: 12 } }, tickfont: { size: 10 }, nticks: 5, backgroundcolor: "#f7f7f7", showbackground: true, gridcolor: "#ddd", zeroline: false });
  const distance = find(graph).clientWidth < 500 ? 1.3 : 1;
  const layout = {
    font: FONT, margin: { l: 0, r: 0, t: 0, b: 0 }, legend: { orientation: "h", x: 0.5, xanchor: "center", y: 0, yanchor: "bottom", itemsizing: "constant", itemwidth: 30 },
    scene: {
      domain: { x: [0, 1], y: [0.1, 1] },
      xaxis: axis(share(0)), yaxis: axis(share(1)), zaxis: axis("log₁₀ ℒ<sub>train</sub>"), aspectmode: "manual",
      aspectratio: { x: 1.1, y: 1.1, z: 0.9 }, camera: { eye: { x: -1.1 * distance, y: -1.5 * distance, z: 0.55 * distance }, center: { x: 0, y: 0, z: -0.2 } },
    },
    uirevision: experiment.name, // keeps the reader's view
  };
  return Plotly.react(graph, traces, layout, SPACE);
}

const bar = (text) => ({ title: { text, side: "right" }, thickness: 12, len: 0.6, x: 1, xanchor: "right", outlinewidth: 0 });

function drawBlock() {
  const { block, colors } = experiment;
  const byTime = find("block-color").value === "time";
  const points = unpack(block.pc), loss = unpack(block.loss);
  const rates = [...new Set(block.eta)], sizes = [...new Set(block.B)];
  const color = (eta) => colors.eta_colors[rates.indexOf(eta) % colors.eta_colors.length];
  const symbol = (B) => SYMBOLS[sizes.indexOf(B) % SYMBOLS.length];
  const inLegend = new Set();
  const traces = block.eta.flatMap((eta, r) => {
    const height = loss[r].map(log10), t = experiment.iteration[eta];
    const first = !inLegend.has(eta) && height.some((each) => each !== null);
    if (first) inLegend.add(eta);
    const common = {
      type: "scatter3d", legendgroup: `eta${eta}`,
      hovertemplate: `η = ${eta}, B = ${batchLabel(block.B[r])}<br>t = %{customdata[0]}, ℒ<sub>train</sub> = %{customdata[1]:.3g}<extra></extra>`,
    };
    const [x, y, customdata] = [column(points[r], 0), column(points[r], 1), t.map((each, k) => [each, loss[r][k]])];
    const time = t.map((each) => each * Number(eta));
    const last = [x, y, height, customdata].map((each) => each.slice(-1));
    return [
      {
        ...common, x, y, z: height, customdata, mode: "lines", name: `η = ${eta}`, showlegend: first && !byTime,
        line: byTime ? { color: time, colorscale: scale(colors.time_colormap), cmin: 0, cmax: time.at(-1), width: 4, showscale: r === 0, colorbar: bar("training time ηt") }
          : { color: color(eta), width: 4 },
      },
      {
        ...common, x: last[0], y: last[1], z: last[2], customdata: last[3], mode: "markers", showlegend: false,
        marker: { color: byTime ? "#ffffff" : color(eta), symbol: symbol(block.B[r]), size: 5, line: { color: INK, width: 1 } },
      },
    ];
  });
  for (const B of sizes) traces.push({
    type: "scatter3d", x: [null], y: [null], z: [null], mode: "markers", name: `end, B = ${batchLabel(B)}`, legendgroup: `B${B}`,
    marker: { symbol: symbol(B), color: "#888888", size: 5 }, hoverinfo: "skip",
  });
  const start = points.findIndex((run, r) => run[0][0] !== null && log10(loss[r][0]) !== null);
  if (start >= 0) traces.push({
    type: "scatter3d", x: [points[start][0][0]], y: [points[start][0][1]], z: [log10(loss[start][0])], mode: "markers", name: "start", legendgroup: "start",
    marker: { color: INK, symbol: "diamond", size: 6 }, hovertemplate: "start of all runs<extra></extra>",
  });
  offerCsv(find("block"), "trajectories", experiment.name, () => [["eta", "B", "t", "PC1", "PC2", "train_loss"],
    ...block.eta.flatMap((eta, r) => experiment.iteration[eta].map((t, k) => [eta, block.B[r], t, ...points[r][k].slice(0, 2), loss[r][k]]))]);
  return drawScene("block", traces, block.explained);
}

function drawBranches() {
  const { branches, colors } = experiment;
  find("branches-article").hidden = !branches;
  if (!branches) return Promise.resolve(Plotly.purge("branches"));
  const points = unpack(branches.pc), loss = unpack(branches.loss), run = unpack(branches.run_pc), runLoss = unpack(branches.run_loss);
  const every = Number(find("branches-shown").value);
  const times = branches.t_c;
  const traces = times.flatMap((t_c, b) => b % every ? [] : [{
    type: "scatter3d", x: column(points[b], 0), y: column(points[b], 1), z: loss[b].map(log10), mode: "lines+markers", name: `t_c = ${t_c}`,
    customdata: branches.iteration.map((each, k) => [each, loss[b][k]]), showlegend: false,
    line: { color: branches.iteration.map(() => t_c), colorscale: scale(colors.t_c_colormap), cmin: times[0], cmax: times.at(-1), width: 3 },
    marker: {
      color: branches.iteration.map(() => t_c), colorscale: scale(colors.t_c_colormap), cmin: times[0], cmax: times.at(-1), size: 2,
      showscale: b === 0, colorbar: bar("t<sub>c</sub>"),
    },
    hovertemplate: `GD from t<sub>c</sub> = ${t_c}, final F = ${formatNumber(branches.flatness[b])}<br>%{customdata[0]} steps later: `
      + "ℒ<sub>train</sub> = %{customdata[1]:.3g}<extra></extra>",
  }]);
  const t = branches.run_iteration;
  traces.push({
    type: "scatter3d", x: column(run, 0), y: column(run, 1), z: runLoss.map(log10), mode: "lines", name: "SGD run",
    customdata: t.map((each, k) => [each, runLoss[k]]), line: { color: colors.run_color, width: 6 },
    hovertemplate: "SGD, t = %{customdata[0]}<br>ℒ<sub>train</sub> = %{customdata[1]:.3g}<extra></extra>",
  });
  const k = t.indexOf(branches.freezing_time);
  if (k >= 0) traces.push({
    type: "scatter3d", x: [run[k][0]], y: [run[k][1]], z: [log10(runLoss[k])], mode: "markers", name: "t<sub>freeze</sub>",
    marker: { color: "#ffffff", symbol: "diamond", size: 6, line: { color: INK, width: 2 } },
    hovertemplate: `t<sub>freeze</sub> = ${branches.freezing_time}<extra></extra>`,
  });
  offerCsv(find("branches"), "branches", experiment.name, () => [["t_c", "iteration", "PC1", "PC2", "train_loss"],
    ...t.map((each, i) => ["SGD run", each, ...run[i].slice(0, 2), runLoss[i]]),
    ...times.flatMap((t_c, b) => branches.iteration.map((each, i) => [t_c, each, ...points[b][i].slice(0, 2), loss[b][i]]))]);
  return drawScene("branches", traces, branches.explained);
}

// ---- the two-valley model

function drawDiagrams() {
  const noises = { H: "noise of covariance 2σH", H2: "noise of covariance 2σH²", isotropic: "isotropic noise" };
  return Promise.all(Object.entries(data.diagrams).map(([name, diagram]) => {
    const box = document.createElement("div");
    box.className = "diagram";
    box.innerHTML = `<h3>Phase diagram ${name}: ${noises[diagram.noise] || diagram.noise}, ${diagram.runs} runs of ${diagram.iterations} iterations in each cell</h3>
      <p role="status" id="summary-${name}">Point at a cell.</p><div class="maps" data-status="summary-${name}"></div>`;
    find("diagrams").append(box);
    const unstable = diagram.stable.flatMap((stable, i) => (stable ? [] : [i]));
    if (unstable.length) box.insertAdjacentHTML("beforeend", '<p class="hint">A cross marks learning rates at which the sharp valley is unstable.</p>');
    const maps = [
      { name: `${name}-p_flat`, symbol: "P<sub>flat</sub>", title: "fraction of runs in the flat valley", log: false, colormap: diagram.colors.p_flat_colormap, ...diagram.p_flat },
      { name: `${name}-eta_t_freeze`, symbol: "η⟨t<sub>freeze</sub>⟩", title: "mean time of the last change of valley, over runs that change", log: true, colormap: diagram.colors.freezing_colormap, ...diagram.eta_t_freeze },
    ].map((map) => ({ ...map, unstable }));
    const two = (labels) => labels.map((label) => String(Number(Number(label).toPrecision(2))));
    const axes = { x: { title: "η", labels: two(diagram.eta), values: diagram.eta }, y: { title: "σ", labels: two(diagram.sigma), values: diagram.sigma } };
    const value = (map, [i, j]) => `${formatNumber(map.values[i][j])} ± ${formatNumber(map.error[i][j])}`;
    const where = ([i, j]) => `η = ${diagram.eta[i]}, σ = ${diagram.sigma[j]}`;
    let kept = null;
    const same = (a, b) => a && b && a[0] === b[0] && a[1] === b[1];
    const group = heatmaps(box.querySelector(".maps"), axes, maps, (map, at) => `${where(at)}<br>${map.symbol}: ${value(map, at)}`, (at, choose, moved) => {
      if (choose) kept = at && !same(at, kept) ? at : null;
      else if (kept && !moved) return;
      else if (kept) kept = at;
      if (!at) return group.mark(kept, false);
      group.mark(at, Boolean(kept));
      box.querySelector("p").innerHTML = `${where(at)}: ${maps.map((map) => `${map.symbol} = ${value(map, at)}`).join(", ")}`
        + (diagram.stable[at[0]] ? "." : "; the sharp valley is unstable at this learning rate.");
    }, "two_valley");
    return group.ready;
  }));
}

// ---- the whole page

function choose(name) {
  document.body.dataset.ready = "";
  if (sweep) sweep.purge();
  experiment = { ...data.experiments[name], name };
  const { branches } = experiment;
  if (branches) {
    const n = branches.t_c.length;
    find("branches-shown").innerHTML = [1, 2, 5, 10].filter((every) => every === 1 || every < n)
      .map((every) => `<option value="${every}">${every === 1 ? `all ${n}` : `every ${ordinal(every)}`}</option>`).join("");
    const linked = find("branches-shown").querySelector(`[value="${Number(state.get("branches"))}"]`);
    find("branches-shown").value = linked ? linked.value : n > 20 ? 5 : 1;
  }
  return Promise.all([drawBlock(), drawBranches(), drawSweep(), showArms()]).then(() => { document.body.dataset.ready = name; });
}

const names = Object.keys(data.experiments).filter((name) => data.experiments[name].maps); // the other experiments are only arms
const first = names.includes(state.get("experiment")) ? state.get("experiment") : names[0];
find("experiments").insertAdjacentHTML("beforeend", names.map((name) =>
  `<label><input type="radio" name="experiment" value="${name}" ${name === first ? "checked" : ""}> ${name}</label>`).join(""));
find("experiments").addEventListener("change", (event) => {
  remember({ experiment: event.target.value });
  choose(event.target.value);
});
if (state.get("colour") === "time") find("block-color").value = "time";
find("block-color").addEventListener("change", (event) => {
  remember({ colour: event.target.value });
  drawBlock();
});
find("branches-shown").addEventListener("change", (event) => {
  remember({ branches: event.target.value });
  drawBranches();
});
find("arms-form").addEventListener("submit", (event) => event.preventDefault());
find("arms-form").addEventListener("change", chooseArms);
find("maps").dataset.status = "cell-summary";
find("chooser").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["cell-eta", "cell-B"]) find(id).addEventListener("change", () => {
  const at = [find("cell-eta"), find("cell-B")].map((each) => Number(each.value || 0));
  pinned = false;
  showCell(at, true);
});
find("pin").addEventListener("click", () => showCell(cell, true));
// a run of the workflow may lack networks, or the two-valley model
for (const id of ["experiments", "space-section", "sweep-section", "arms-section"]) find(id).hidden = names.length === 0;
find("model-section").hidden = Object.keys(data.diagrams).length === 0;
const isSimulated = Object.keys(data.landscape).length > 0;
find("simulator-section").hidden = !isSimulated;
Promise.all([names.length ? choose(first) : null, drawDiagrams(), isSimulated ? buildSimulator() : null]).then(() => { document.body.dataset.drawn = "all"; });
