// ---- the simulator of the two-valley model

const KEPT = 4; // number of runs over the contours
const RECORDED = 100; // number of times at which runs in each valley are counted
const SCAN = Array.from({ length: 9 }, (_, k) => 10 ** (-4 + 2.5 * k / 8)); // Delta_S
const SCAN_STEPS = 3.6e6; // steps of all runs of the scan; takes below a second

let simulation; // settings and results
let scan = { key: null, points: [] };

const shortest = (value) => String(Number(value.toPrecision(3)));

/** Return the sliders: symbol, range, step, whether the slider follows log10 of the value, first value, and text. */
function sliders({ x1, x2 }) {
  const step = 0.005;
  return {
    delta_S: { symbol: "Δ<sub>S</sub> = ησ", min: -4, max: -1.5, step: 0.01, log: true, initial: 0.0025, text: ({ delta_S, eta }) => `${shortest(delta_S)}, σ = ${shortest(delta_S / eta)}` },
    eta: { symbol: "η", min: 0.005, max: 0.15, step: 0.005, initial: 0.05 },
    y: { symbol: "start y", min: 0.5, max: 40, step: 0.5, initial: 5 },
    x2: { symbol: "x<sub>2</sub>", min: x2 - step * Math.max(0, Math.floor((x2 - x1 / 2) / step)), max: x1, step, initial: x2, text: ({ x2 }) => `${shortest(x2)}, γ = ${shortest((x1 / x2) ** 2)}` },
    runs: { symbol: "runs", min: 100, max: 500, step: 50, initial: 300 },
    iterations: { symbol: "steps", min: 500, max: 5000, step: 500, initial: 2000 },
  };
}

function buildSimulator() {
  const known = sliders(data.landscape);
  find("sliders").innerHTML = Object.entries(known).map(([name, { symbol, min, max, step }]) =>
    `<label><span>${symbol}</span> <input type="range" id="set-${name}" min="${min}" max="${max}" step="${step}"> <output id="shown-${name}"></output></label>`).join("")
    + `<label><span>noise</span> <select id="set-noise">${Object.entries(NOISES).map(([name, { label }]) => `<option value="${name}">${label}</option>`).join("")}</select></label>`
    + `<button type="button" id="set-seed">New random numbers</button>`;
  const set = { seed: Math.max(1, Math.trunc(Number(state.get("seed"))) || 1) };
  for (const [name, { log, initial, min, max }] of Object.entries(known)) {
    const given = Number(state.get(name)), input = find(`set-${name}`);
    const value = state.get(name) !== null && Number.isFinite(given) ? given : initial;
    const at = log ? Math.log10(value) : value;
    set[name] = at >= min && at <= max ? value : initial;
    input.value = log ? Math.log10(set[name]) : set[name];
    input.addEventListener("input", () => {
      set[name] = log ? Number((10 ** Number(input.value)).toPrecision(3)) : Number(input.value);
      changed({ [name]: set[name] });
    });
  }
  set.noise = state.get("noise") in NOISES ? state.get("noise") : "H";
  find("set-noise").value = set.noise;
  find("set-noise").addEventListener("change", (event) => changed({ noise: set.noise = event.target.value }));
  find("set-seed").addEventListener("click", () => changed({ seed: set.seed += 1 }));
  find("sliders").addEventListener("submit", (event) => event.preventDefault());
  let waiting = false;
  function changed(values) {
    remember(values);
    if (waiting) return; // a slider sends more events than the browser draws frames
    waiting = true;
    setTimeout(() => {
      waiting = false;
      showSimulation(set, known);
    });
  }
  return showSimulation(set, known);
}

/** Return the settings of `simulate` from the sliders, with another Delta_S or number of runs. */
const modelSettings = (set, { delta_S = set.delta_S, runs = set.runs, ...others } = {}) => ({
  landscape: { ...data.landscape, x2: set.x2 }, eta: set.eta, sigma: delta_S / set.eta, noise: set.noise, start: [0.01, set.y],
  runs, iterations: set.iterations, every: set.iterations / RECORDED, kept: 0, seed: set.seed, ...others,
});

/** Return P_flat with its interval from counts, as {flat, finite, value, low, high}. */
function probability(flat, finite) {
  const [low, high] = binomialInterval(flat, finite);
  return { flat, finite, value: flat / finite, low, high };
}

function showSimulation(set, known) {
  for (const [name, { text }] of Object.entries(known)) find(`shown-${name}`).value = text ? text(set) : shortest(set[name]);
  const begun = performance.now();
  const found = simulate(modelSettings(set, { kept: KEPT }));
  const course = Array.from(found.times, (_, i) => probability(found.flat[i], found.finite[i]));
  simulation = { set: { ...set }, found, course };
  const drawn = [drawModelRuns(), drawCourse()];
  simulation.milliseconds = performance.now() - begun;
  const { value, low, high, finite } = course.at(-1);
  const moved = found.last.filter((t) => t > 1), late = moved.filter((t) => t > 0.9 * set.iterations).length;
  const { f0, x0, y_f, y_b } = data.landscape;
  const stable = set.eta < f0 * (set.x2 / x0) ** 2 * Math.min(1, ((set.y + y_f) / (set.y + y_b)) ** 2);
  find("simulator-summary").innerHTML = (finite ? `At the end P<sub>flat</sub> = ${value.toFixed(2)}, 95% interval ${low.toFixed(2)} to ${high.toFixed(2)}. ` : "")
    + `${moved.length} of ${set.runs} runs changed valley, ${late} of them in the last tenth of the time. `
    + (finite < set.runs ? `${set.runs - finite} runs diverged and are excluded. ` : "")
    + (stable ? "" : "The sharp valley is unstable at this η.");
  return Promise.all([...drawn, updateScan(set)]);
}

/** Simulate P_flat over Delta_S, unless it is known; the scan does not depend on the slider of Delta_S. */
async function updateScan(set) {
  const fixed = { ...set, delta_S: null }, key = JSON.stringify(fixed);
  if (scan.key !== key) {
    const runs = Math.min(set.runs, Math.floor(SCAN_STEPS / SCAN.length / set.iterations));
    const own = scan = { key, runs, points: [], done: false };
    for (const [k, delta_S] of SCAN.entries()) {
      await new Promise((resolve) => { setTimeout(resolve); }); // lets the page respond, and a later change cancel this scan
      if (scan !== own) return;
      const { flat, finite } = simulate(modelSettings(fixed, { delta_S, runs, every: set.iterations, seed: 1000 * set.seed + k }));
      own.points.push({ delta_S, ...probability(flat[1], finite[1]) });
    }
    own.done = true;
  } else if (!scan.done) return; // the running scan also draws the current point
  await drawScan();
  document.body.dataset.simulated = JSON.stringify(simulation.set);
}

const MODEL_AXIS = { zeroline: false, gridcolor: "#eee", fixedrange: true };
const modelLayout = (x, y) => ({
  font: FONT, margin: { l: 46, r: 10, t: 6, b: 36 }, showlegend: false, hovermode: "closest", dragmode: false,
  xaxis: { ...MODEL_AXIS, ...x }, yaxis: { ...MODEL_AXIS, ...y },
});
const P_FLAT = { title: { text: "P<sub>flat</sub>", standoff: 4 }, range: [-0.02, 1.02] };
const SIDES = { flat: "#0072B2", sharp: "#D55E00" };
const nullIfNot = (values) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));

function drawModelRuns() {
  const { set, found } = simulation;
  const c = coefficients({ ...data.landscape, x2: set.x2 });
  const inside = (run, i) => Math.abs(found.x[run][i]) < 2 * c.x1 && Math.abs(found.y[run][i]) < 1000; // leave out diverging runs
  const points = found.x.flatMap((path, run) => [...path.keys()].filter((i) => inside(run, i)).map((i) => [path[i], found.y[run][i]]));
  const ys = column(points, 1), [low, high] = [Math.min(set.y, ...ys), Math.max(set.y, ...ys)], margin = 0.05 * (high - low) + 0.5;
  const range = [Math.max(0, low - margin), high + margin], n = 80;
  const wide = 1.15 * Math.max(2 * c.x1 * range[1] / (range[1] + c.y_b), ...column(points, 0).map(Math.abs)); // twice the x of the floor
  const x = Array.from({ length: n }, (_, i) => wide * (2 * i / (n - 1) - 1)), y = Array.from({ length: n }, (_, i) => range[0] + (range[1] - range[0]) * i / (n - 1));
  const ridge = modelLoss(0, range[0], c) + 0.1;
  const traces = [{
    type: "contour", x, y, z: y.map((at) => x.map((across) => Math.min(modelLoss(across, at, c), ridge))), ncontours: 24, showscale: false, hoverinfo: "skip",
    colorscale: [[0, "#9a9a9a"], [1, "#dcdcdc"]], contours: { coloring: "lines" }, line: { width: 1 },
  }];
  for (const width of [c.x1, -c.x2]) traces.push({
    x: y.map((at) => width * at / (at + c.y_b)), y, mode: "lines", line: { color: SOFT, width: 1, dash: "dash" }, hovertemplate: "floor of the valley<extra></extra>",
  });
  found.x.forEach((path, run) => traces.push({
    x: nullIfNot(path), y: nullIfNot(found.y[run]), customdata: [...found.times], mode: "lines", opacity: 0.8,
    line: { color: path.at(-1) > 0 ? SIDES.flat : SIDES.sharp, width: 0.8 }, hovertemplate: `run ${run}, t = %{customdata}<extra></extra>`,
  }));
  traces.push({
    x: found.x.map((path) => path.at(-1)), y: found.y.map((path) => path.at(-1)), mode: "markers", hoverinfo: "skip",
    marker: { size: 6, color: found.x.map((path) => (path.at(-1) > 0 ? SIDES.flat : SIDES.sharp)), line: { color: "#fff", width: 1 } },
  });
  const graph = find("simulator-runs");
  offerCsv(graph, "runs", "two_valley", () => [["run", "t", "x", "y"],
    ...found.x.flatMap((path, run) => Array.from(found.times, (t, i) => [run, t, path[i], found.y[run][i]]))]);
  return Plotly.react(graph, traces, modelLayout(
    { title: { text: "x", standoff: 4 }, range: [-wide, wide] }, { title: { text: "y", standoff: 4 }, range }), QUIET);
}

const PROBABILITY_COLUMNS = ["finite_runs", "runs_in_the_flat_valley", "P_flat", "low", "high"];
const probabilityFields = ({ finite, flat, value, low, high }) => [finite, flat, value, low, high];

function drawCourse() {
  const { set, found, course } = simulation;
  const time = Array.from(found.times, (t) => set.eta * t), of = (key) => nullIfNot(course.map((each) => each[key]));
  const graph = find("simulator-time");
  offerCsv(graph, "P_flat-time", "two_valley", () => [["t", "eta_t", ...PROBABILITY_COLUMNS],
    ...course.map((each, i) => [found.times[i], time[i], ...probabilityFields(each)])]);
  return Plotly.react(graph, [
    { x: time, y: of("low"), mode: "lines", line: { width: 0 }, hoverinfo: "skip" },
    { x: time, y: of("high"), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: "rgba(0,114,178,.2)", hoverinfo: "skip" },
    { x: time, y: of("value"), mode: "lines", line: { color: SIDES.flat, width: 2 }, hovertemplate: "ηt = %{x:.3g}: P<sub>flat</sub> = %{y:.2f}<extra></extra>" },
    { x: [0, time.at(-1)], y: [0.5, 0.5], mode: "lines", line: { color: SOFT, width: 1, dash: "dot" }, hoverinfo: "skip" },
  ], modelLayout({ title: { text: "training time ηt", standoff: 4 }, range: [0, time.at(-1)] }, P_FLAT), QUIET);
}

function drawScan() {
  const { set, course } = simulation, { points, runs } = scan;
  const bars = (all) => ({
    x: all.map(({ delta_S }) => delta_S), y: all.map(({ value }) => value),
    error_y: { type: "data", symmetric: false, array: all.map(({ value, high }) => high - value), arrayminus: all.map(({ value, low }) => value - low), thickness: 1.2, width: 3 },
    hovertemplate: "Δ<sub>S</sub> = %{x:.3g}: P<sub>flat</sub> = %{y:.2f}<extra></extra>",
  });
  const shown = (all) => all.filter(({ finite }) => finite), current = { delta_S: set.delta_S, ...course.at(-1) };
  find("scan-hint").innerHTML = `Final P<sub>flat</sub> of ${runs} runs for each point. Red: Δ<sub>S</sub> of the slider, ${set.runs} runs.`;
  const graph = find("simulator-scan");
  offerCsv(graph, "P_flat-Delta_S", "two_valley", () => [["Delta_S", "sigma", ...PROBABILITY_COLUMNS],
    ...[...points, current].map((each) => [each.delta_S, each.delta_S / set.eta, ...probabilityFields(each)])]);
  return Plotly.react(graph, [
    { x: [SCAN[0], SCAN.at(-1)], y: [0.5, 0.5], mode: "lines", line: { color: SOFT, width: 1, dash: "dot" }, hoverinfo: "skip" },
    { ...bars(shown(points)), mode: "lines+markers", line: { color: SIDES.flat, width: 1 }, marker: { size: 6 } },
    { ...bars(shown([current])), mode: "markers", marker: { color: "#d00000", size: 9, symbol: "diamond" } },
  ], modelLayout({ title: { text: "Δ<sub>S</sub> = ησ", standoff: 4 }, type: "log", range: [-4.1, -1.4], tickvals: [1e-4, 1e-3, 1e-2], ticktext: [-4, -3, -2].map((k) => `10<sup>${k}</sup>`) }, P_FLAT), QUIET);
}
