/** Every number of the results, a line each. */
export function printTable(results) {
  const lines = linesOf(results);
  const width = Math.max(...lines.map(([name]) => name.length));
  console.log("");
  for (const [name, value] of lines) console.log(`${name.padEnd(width)}  ${value}`);
}

const linesOf = (value, name = "") =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => linesOf(inner, name ? `${name}.${key}` : key))
    : [[name, value]];
