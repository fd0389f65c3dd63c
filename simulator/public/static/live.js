const PING_MS = 20_000;
const POLL_MS = 3_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Tells `onState` what the phone shows, at once on every change: over a WebSocket that comes back by itself,
 * and by asking every three seconds for as long as there is none.
 */
export function watchPhone(base, query, { onState, onLink, onLocked }) {
  let socket;
  let pause = 500;
  let unanswered = 0;

  function connect() {
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${base}/live${query}`);
    socket.onopen = () => {
      pause = 500;
      unanswered = 0;
      onLink(true);
    };
    socket.onmessage = ({ data }) => {
      unanswered = 0;
      if (data !== "pong") onState(JSON.parse(data));
    };
    socket.onclose = () => {
      onLink(false);
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
  }

  async function ask() {
    const response = await fetch(`${base}/state${query}`).catch(() => undefined);
    if (response?.ok) onState(await response.json());
    return response;
  }

  async function start() {
    const response = await ask();
    if (response?.status === 401) return onLocked(start);
    connect();
    setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      unanswered += 1;
      if (unanswered > 2) socket.close();
      else socket.send("ping");
    }, PING_MS);
    setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) ask();
    }, POLL_MS);
  }

  return start();
}
