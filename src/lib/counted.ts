/** `1 webhook`, `1,200 webhooks`. */
export const counted = (count: number, noun: string) =>
  `${count.toLocaleString("en-KE")} ${noun}${count === 1 ? "" : "s"}`;
