// Numbers of 16 bits.

let table = null;

/** Float32 numbers of a Uint16Array of halves. */
export function widened(halves) {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => wide(bits));
  return Float32Array.from(halves, (bits) => table[bits]);
}

/** A Uint16Array of halves, rounded to the nearest, ties to even. */
export function narrowed(numbers) {
  return Uint16Array.from(numbers, narrow);
}

/** The numbers as halves hold them. */
export function rounded(numbers) {
  return widened(narrowed(numbers));
}

function wide(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, rest] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return rest ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
}

function narrow(number) {
  const sign = number < 0 || Object.is(number, -0) ? 0x8000 : 0;
  const size = Math.abs(number);
  if (Number.isNaN(size)) return 0x7e00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -30)));
  const step = 2 ** (exponent - 10);
  const steps = nearestEven(size / step);
  if (steps * step > 65504) return sign | 0x7c00;
  return sign | (exponent === -14 && steps < 1024 ? steps : ((exponent + 14) << 10) + steps);
}

function nearestEven(x) {
  const low = Math.floor(x);
  const over = x - low;
  return over > 0.5 || (over === 0.5 && low % 2) ? low + 1 : low;
}
