/** Calls back after a while; what waits takes it as a parameter, so that a test can move the time by hand. */
export interface Timers {
  /** Calls `run` once, `ms` milliseconds from now; the answer takes that back. */
  after(ms: number, run: () => void): () => void;
}

/** The longest wait that `setTimeout` can hold; a longer one fires at once there, so it is made in steps. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Real time. A pending wait does not keep the process alive. */
export const realTimers: Timers = {
  after(ms, run) {
    const wait = Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
    let cancel = () => clearTimeout(timeout);
    const timeout = setTimeout(() => {
      if (ms > wait) cancel = realTimers.after(ms - wait, run);
      else run();
    }, wait);
    timeout.unref();
    return () => cancel();
  },
};
