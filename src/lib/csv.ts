/** What a spreadsheet takes for a formula when a cell begins with it. */
const FORMULA = /^[=+\-@\t\r]/;

/** A text as a cell (RFC 4180). What would be a formula is made a text by an apostrophe in front. */
function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line of a CSV file, with its end. */
export const csvLine = (cells: (string | number)[]) => `${cells.map(cell).join(",")}\r\n`;

/** Tells Excel that the file is UTF-8. */
export const CSV_MARK = "\uFEFF";
