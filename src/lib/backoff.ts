/** `ms` give or take up to a tenth, so that what failed together does not come back together. */
export const jittered = (ms: number) => Math.round(ms * (0.9 + Math.random() * 0.2));
