// An LSTM for gateproof check: gateproof check --exec "node lstm.js" --cell lstm
const sigmoid = (a) => 1 / (1 + Math.exp(-a));

// a W, of a row vector and a matrix that is a list of rows
const times = (a, W) => W[0].map((_, j) => a.reduce((sum, value, k) => sum + value * W[k][j], 0));

function step(x, h, c, { kernel, recurrent_kernel, bias }) {
  const fromX = times(x, kernel);
  const fromH = times(h, recurrent_kernel);
  const a = bias.map((b, j) => fromX[j] + fromH[j] + b);
  const H = h.length;
  const [i, f, g, o] = [0, 1, 2, 3].map((k) => a.slice(k * H, (k + 1) * H));
  const newC = c.map((value, u) => sigmoid(f[u]) * value + sigmoid(i[u]) * Math.tanh(g[u]));
  const newH = newC.map((value, u) => sigmoid(o[u]) * Math.tanh(value));
  return [newH, newC];
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const given = JSON.parse(line);
  const answer = { h: [], c: [] };
  given.x.forEach((sequence, row) => {
    let [h, c] = [given.h[row], given.c[row]];
    const states = sequence.map((x) => ([h, c] = step(x, h, c, given)));
    answer.h.push(states.map((state) => state[0]));
    answer.c.push(states.map((state) => state[1]));
  });
  console.log(JSON.stringify(answer));
});
