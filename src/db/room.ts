/**
 * D1 allows an invocation a thousand calls, of which a batch is one, and refuses any further one wherever a job
 * then stands: between M-Pesa's answer and its record, too. The rest is for what is under way by then.
 */
const BEGIN_NOTHING_AFTER = 800;

/** Asked before each piece of work by whatever takes up many: what is left waits for the next run. */
export type Room = { hasRoom: () => boolean };

/** One for each invocation. */
export function createRoom() {
  let calls = 0;
  return {
    noteCall: () => {
      calls++;
    },
    hasRoom: () => calls < BEGIN_NOTHING_AFTER,
  };
}
