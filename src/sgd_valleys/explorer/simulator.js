"use strict";
// The two-valley model of landscape.py and langevin.py in JavaScript, independent of the page. Tests compare the numbers.

const DIAGONAL = 1e-8; // added to the diagonal of Sigma

/** Return the coefficients of Eqs. 8-12 from the parameters of `Landscape`. */
const coefficients = (p) => ({
  k: p.x0 ** 2 / p.f0, slope1: 1 / p.x1, slope2: -1 / p.x2, y_f: p.y_f, d: p.y_b - p.y_f,
  rate: 1 / p.y_d, height: p.L_d, drift: p.L_d / p.y_d, bend: p.L_d / p.y_d ** 2, y_b: p.y_b, x1: p.x1, x2: p.x2,
});

/** Return the loss, Eq. 8. */
function modelLoss(x, y, c) {
  const u = x * (x < 0 ? c.slope2 : c.slope1), z = 1 / (y + c.y_f), w = 1 + c.d * z;
  return c.height * Math.exp(-c.rate * y) + c.k + c.k * u * (w * w * u - 2 * (1 - c.y_f * z) * w);
}

/** Write gradient and Hessian (L_x, L_y, L_xx, L_xy, L_yy) to `out`; the kink at the ridge is left out. */
function derivatives(x, y, c, out) {
  const slope = x < 0 ? c.slope2 : c.slope1, u = x * slope;
  const z = 1 / (y + c.y_f), dz = c.d * z, fz = c.y_f * z, z2 = z * z, z3 = 2 * z2 * z, w = 1 + dz, e = c.d - c.y_f;
  const R = w * w, R_y = -2 * c.d * z2 * w, R_yy = c.d * z3 * (2 + 3 * dz);
  const S = (1 - fz) * w, S_y = -z2 * (e - 2 * c.d * fz), S_yy = z3 * (e - 3 * c.d * fz);
  const decay = Math.exp(-c.rate * y), across = 2 * c.k * slope, along = c.k * u;
  out[0] = across * (R * u - S);
  out[1] = along * (R_y * u - 2 * S_y) - c.drift * decay;
  out[2] = across * slope * R;
  out[3] = across * (R_y * u - S_y);
  out[4] = along * (R_yy * u - 2 * S_yy) + c.bend * decay;
}

/**
 * The noise laws. Each `covariance` writes (s11, s12/s11, det/s11) of Sigma = [[s11, s12], [s12, s22]] to `out`, from the
 * Hessian [[a, b], [b, d]], the strength sigma and the ratio of the valleys' geometric mean curvature to that of this side.
 * A law with `decays` uses sigma times the loss instead of sigma. To add a law, add an entry.
 */
const NOISES = {
  H: {
    label: "2σH, Eq. 15",
    covariance(a, b, d, sigma, ratio, out) { // negative eigenvalues are set to 0
      let det = a * d - b * b;
      const trace = a + d, difference = a - d, gap = Math.sqrt(difference * difference + 4 * b * b);
      const top = 0.5 * (trace + gap), clipped = det < 0, denominator = clipped ? gap : 1;
      const scale = 2 * sigma * (clipped ? top : 1);
      const n11 = scale * (clipped ? 0.5 * (difference + gap) : a) + DIAGONAL * denominator;
      det = 4 * sigma * sigma * (clipped ? 0 : det) + DIAGONAL * (2 * sigma * (clipped ? top : trace) + DIAGONAL);
      out[0] = n11 / denominator;
      out[1] = scale * b / n11;
      out[2] = det * denominator / n11;
    },
  },
  "H1.5": { // H^1.5 = ((tr H + r) H - det H) / s with r = sqrt(det H) and s = sqrt(tr H + 2 r)
    label: "2σH^1.5",
    covariance(a, b, d, sigma, ratio, out) { // negative eigenvalues are set to 0
      let det = a * d - b * b;
      const trace = a + d, difference = a - d, gap = Math.sqrt(difference * difference + 4 * b * b);
      const top = 0.5 * (trace + gap), clipped = det < 0, root = Math.sqrt(clipped ? 0 : det);
      const factor = clipped ? top * Math.sqrt(top) : trace + root;
      const scale = 2 * sigma * factor / (clipped ? gap : Math.sqrt(trace + 2 * root));
      const shift = clipped ? 0.5 * (trace - gap) : det / factor;
      const s11 = scale * (a - shift) + DIAGONAL, s22 = scale * (d - shift) + DIAGONAL;
      det = 4 * sigma * sigma * root * root * root + DIAGONAL * (s11 + s22 - DIAGONAL);
      out[0] = s11;
      out[1] = scale * b / s11;
      out[2] = det / s11;
    },
  },
  H2: {
    label: "2σH²",
    covariance(a, b, d, sigma, ratio, out) {
      const det = a * d - b * b;
      const s11 = 2 * sigma * (a * a + b * b) + DIAGONAL, s22 = 2 * sigma * (b * b + d * d) + DIAGONAL;
      out[0] = s11;
      out[1] = 2 * sigma * b * (a + d) / s11;
      out[2] = (4 * sigma * sigma * det * det + DIAGONAL * (s11 + s22 - DIAGONAL)) / s11;
    },
  },
  isotropic: {
    label: "isotropic, of the mean curvature of the valleys",
    covariance(a, b, d, sigma, ratio, out) {
      out[0] = out[2] = 2 * sigma * a * ratio + DIAGONAL;
      out[1] = 0;
    },
  },
};

NOISES["H-loss"] = { ...NOISES.H, label: "2σℒH, which decays with the loss", decays: true };

/** Return a function that draws pairs of standard normal numbers into `out`: sfc32 with the method of Box and Muller. */
function normalPairs(seed) {
  let a = seed | 0, b = 0x9e3779b9 | 0, c = 0x243f6a88, counter = 1;
  const uniform = () => {
    const t = (a + b | 0) + counter | 0;
    counter = counter + 1 | 0;
    a = b ^ b >>> 9;
    b = c + (c << 3) | 0;
    c = (c << 21 | c >>> 11) + t | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 20; i++) uniform();
  return (out) => {
    const r = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
    out[0] = r * Math.cos(angle);
    out[1] = r * Math.sin(angle);
  };
}

/**
 * Simulate runs of Eqs. 13-15; even runs start at (-x, y), odd ones at (x, y).
 *
 * `settings`: {landscape, eta, sigma, noise, start: [x, y], runs, iterations, every, kept, seed}; `normals`: a function that
 * writes the next two normal numbers of a step, by default from `seed`. Runs are simulated one after another.
 *
 * Returns `times` (time), a multiple of `every`; `finite` and `flat` (time), the numbers of finite runs and of those with
 * x > 0; `last` (run), the iteration of the last change of valley; `x` and `y` (kept run, time).
 */
function simulate(settings, normals = normalPairs(settings.seed)) {
  const { eta, sigma, runs, iterations, every, kept } = settings;
  const c = coefficients(settings.landscape), { covariance, decays } = NOISES[settings.noise];
  const size = Math.floor(iterations / every) + 1;
  const times = Float64Array.from({ length: size }, (_, i) => i * every);
  const finite = new Int32Array(size), flat = new Int32Array(size), last = new Float64Array(runs);
  const path = { x: [], y: [] };
  const D = new Float64Array(5), sigmas = new Float64Array(3), n = new Float64Array(2);
  const ratio1 = -c.slope2 / c.slope1, ratio2 = -c.slope1 / c.slope2;
  for (let run = 0; run < runs; run++) {
    let x = (run % 2 ? 1 : -1) * settings.start[0], y = settings.start[1];
    last[run] = 1;
    const keep = run < kept ? [new Float64Array(size), new Float64Array(size)] : null;
    if (keep) {
      path.x.push(keep[0]);
      path.y.push(keep[1]);
    }
    for (let t = 0, i = 0; ; t++) {
      if (t === i * every) {
        if (Number.isFinite(x) && Number.isFinite(y)) {
          finite[i]++;
          if (x > 0) flat[i]++;
        }
        if (keep) {
          keep[0][i] = x;
          keep[1][i] = y;
        }
        i++;
      }
      if (t === iterations) break;
      derivatives(x, y, c, D);
      covariance(D[2], D[3], D[4], decays ? sigma * modelLoss(x, y, c) : sigma, x < 0 ? ratio2 : ratio1, sigmas);
      normals(n);
      const side = x < 0, xi = Math.sqrt(sigmas[0]) * n[0];
      x -= eta * (D[0] + xi);
      y -= eta * (D[1] + sigmas[1] * xi + Math.sqrt(sigmas[2]) * n[1]);
      if ((x < 0) !== side) last[run] = t + 1;
    }
  }
  return { times, finite, flat, last, ...path };
}

/** Return Wilson's 95% interval of a probability from `count` of `trials`. */
function binomialInterval(count, trials) {
  if (!trials) return [NaN, NaN];
  const z = 1.959963984540054, p = count / trials, scaled = z * z / trials;
  const half = z * Math.sqrt(p * (1 - p) / trials + scaled / (4 * trials));
  return [-1, 1].map((sign) => (p + scaled / 2 + sign * half) / (1 + scaled));
}
