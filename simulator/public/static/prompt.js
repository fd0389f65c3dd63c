const BACKSPACE =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9 5h11a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H9l-6-7z"/><path d="M12.5 9.5l5 5m0-5l-5 5"/></svg>';
const PIN_LENGTH = 4;

const dialog = document.getElementById("prompt");
const scrim = document.getElementById("scrim");
const question = document.getElementById("question");
const pin = document.getElementById("pin");
const dots = dialog.querySelectorAll(".pin-dots i");
const send = document.getElementById("send");
const timeBar = document.getElementById("time-bar");
const behind = document.querySelectorAll(".view, .home-bar, .beside");
const announcement = document.getElementById("announcement");

let shownId;
let answer;
let focusBefore;

/** Prepares the number pad; `onAnswer(id, body)` sends what the person decided. */
export function preparePrompt(onAnswer) {
  answer = onAnswer;
  buildKeys();
  pin.addEventListener("input", showPin);
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if (pin.value.length === PIN_LENGTH) give({ pin: pin.value });
  });
  document.getElementById("cancel").addEventListener("click", () => give({ action: "cancel" }));
  dialog.addEventListener("keydown", onKey);
}

/** Shows the prompt that waits, or takes it away when there is none. True when a new one has come. */
export function showPrompt(prompt) {
  if (prompt?.id === shownId) return false;
  if (prompt) open(prompt);
  else close();
  return Boolean(prompt);
}

function open({ id, text, lasts_ms, left_ms }) {
  if (!shownId) focusBefore = document.activeElement;
  shownId = id;
  question.textContent = text;
  announcement.textContent = `M-PESA asks: ${text}`;
  pin.value = "";
  showPin();
  dialog.removeAttribute("aria-busy");
  dialog.classList.remove("leaving");
  dialog.hidden = scrim.hidden = false;
  for (const element of behind) element.inert = true;
  const share = left_ms / lasts_ms;
  timeBar.getAnimations().forEach((animation) => {
    animation.cancel();
  });
  timeBar.animate([{ transform: `scaleX(${share})` }, { transform: "scaleX(0)" }], {
    duration: left_ms,
    fill: "forwards",
  });
  pin.focus({ preventScroll: true });
  dialog.closest(".phone").scrollIntoView({ block: "end", behavior: "smooth" });
  navigator.vibrate?.(80);
}

function close() {
  shownId = undefined;
  announcement.textContent = "";
  for (const element of behind) element.inert = false;
  focusBefore?.focus?.({ preventScroll: true });
  dialog.classList.add("leaving");
  scrim.hidden = true;
  setTimeout(() => {
    if (!shownId) dialog.hidden = true;
  }, 250);
}

async function give(body) {
  if (dialog.getAttribute("aria-busy") === "true") return;
  dialog.setAttribute("aria-busy", "true");
  await answer(shownId, body);
  dialog.removeAttribute("aria-busy");
}

function buildKeys() {
  const keys = document.getElementById("keys");
  for (const label of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "delete"]) {
    if (label === "") {
      keys.append(document.createElement("span"));
      continue;
    }
    const key = document.createElement("button");
    key.type = "button";
    if (label === "delete") {
      key.innerHTML = BACKSPACE;
      key.setAttribute("aria-label", "Delete the last digit");
    } else key.textContent = label;
    // The focus stays in the PIN, so that Enter sends it.
    key.addEventListener("pointerdown", (event) => event.preventDefault());
    key.addEventListener("click", () => {
      pin.value = label === "delete" ? pin.value.slice(0, -1) : (pin.value + label).slice(0, PIN_LENGTH);
      showPin();
    });
    keys.append(key);
  }
}

function showPin() {
  pin.value = pin.value.replace(/\D/g, "");
  dots.forEach((dot, index) => {
    dot.classList.toggle("filled", index < pin.value.length);
  });
  send.disabled = pin.value.length < PIN_LENGTH;
}

/** Escape cancels, digits go to the PIN wherever the focus is, and Tab stays within the prompt. */
function onKey(event) {
  if (event.key === "Escape") {
    give({ action: "cancel" });
  } else if (/^\d$/.test(event.key) && event.target !== pin) {
    pin.value = (pin.value + event.key).slice(0, PIN_LENGTH);
    showPin();
  } else if (event.key === "Backspace" && event.target !== pin) {
    pin.value = pin.value.slice(0, -1);
    showPin();
  } else if (event.key === "Tab") {
    keepFocusInside(event);
  }
}

function keepFocusInside(event) {
  const stops = [...dialog.querySelectorAll("input, button:not(:disabled)")];
  const edge = event.shiftKey ? stops.at(0) : stops.at(-1);
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops.at(0)).focus();
}
