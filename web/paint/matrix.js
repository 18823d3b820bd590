// Symmetric matrices of two or three rows, as rows of numbers.

/** Values and vectors (as columns) of a symmetric matrix, by Jacobi's rotations. */
export function eigen(matrix) {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-300) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, v, p, q, c, t * c);
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors: v };
}

function rotate(a, v, p, q, c, s) {
  for (const row of a) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  const [one, other] = [a[p], a[q]];
  a[p] = one.map((x, k) => c * x - s * other[k]);
  a[q] = one.map((x, k) => s * x + c * other[k]);
  for (const row of v) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
}

/** The symmetric matrix of what `change` makes of its values. */
export function changed(matrix, change) {
  const { values, vectors } = eigen(matrix);
  const made = values.map(change);
  return matrix.map((_, i) => matrix.map((__, j) => made.reduce((sum, x, k) => sum + vectors[i][k] * x * vectors[j][k], 0)));
}

/** A · B · … */
export function times(first, ...others) {
  return others.reduce((a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0))), first);
}

/** A · x. */
export function applied(matrix, vector) {
  return matrix.map((row) => row.reduce((sum, x, k) => sum + x * vector[k], 0));
}
