import { watchPhone } from "./live.js";
import { closeThread, markAllRead, openThread, takeMessages } from "./messages.js";
import { readNumber, rememberNumber, spoken } from "./numbers.js";
import { preparePrompt, showPrompt } from "./prompt.js";
import { clockTime, longDate } from "./times.js";

const byId = (id) => document.getElementById(id);
const msisdn = readNumber(decodeURIComponent(location.pathname.split("/")[2] ?? ""));
const base = `/phone/${msisdn}`;
const screen = document.querySelector(".screen");
const notice = byId("notice");

let started = false;
let lastFinished;
let toastTimer;

function show(name) {
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== name;
  screen.classList.toggle("app-open", name === "inbox" || name === "thread");
  if (name !== "thread") closeThread();
}

function showThread(sender) {
  if (notice.dataset.from === sender) notice.hidden = true;
  show("thread");
  openThread(sender);
  byId("back-to-inbox").focus({ preventScroll: true });
}

function showToast(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 4500);
}

function showNotice({ from, text }) {
  notice.querySelector(".notice-from").textContent = from;
  notice.querySelector(".notice-text").textContent = text;
  notice.dataset.from = from;
  notice.hidden = true;
  requestAnimationFrame(() => {
    notice.hidden = false;
  });
}

function onState(state) {
  byId("by-itself").hidden = !state.answers_by_itself;
  if (showPrompt(state.prompt)) byId("toast").classList.remove("shown");
  const arrived = takeMessages(state.messages);
  if (!started) {
    started = true;
    markAllRead();
  } else {
    if (arrived.length > 0) showNotice(arrived.at(-1));
    if (state.finished && state.finished.id !== lastFinished) showToast(state.finished.text);
  }
  lastFinished = state.finished?.id;
}

async function answerPrompt(id, body) {
  const response = await fetch(`${base}/prompts/${id}${location.search}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  if (!response) showToast("There is no connection. Please try again.");
  else if (!response.ok) showToast((await response.json()).error);
}

function askForSecret(retry) {
  show("locked");
  byId("secret").focus();
  byId("unlock").onsubmit = async (event) => {
    event.preventDefault();
    const response = await fetch("/unlock", {
      method: "POST",
      body: JSON.stringify({ secret: byId("secret").value }),
    });
    if (!response.ok) {
      byId("unlock-status").textContent = "That is not the secret.";
      return;
    }
    show("home");
    await retry();
  };
}

function tick() {
  const now = new Date();
  byId("clock").textContent = byId("bar-clock").textContent = clockTime(now);
  byId("date").textContent = longDate(now);
  setTimeout(tick, 60_000 - (now % 60_000));
}

function start() {
  tick();
  if (!msisdn) {
    byId("number").textContent = "Not a phone number";
    return;
  }
  document.title = `${spoken(msisdn)} · Practice phone`;
  byId("number").textContent = spoken(msisdn);
  rememberNumber(msisdn);
  preparePrompt(answerPrompt);
  byId("open-messages").addEventListener("click", () => {
    notice.hidden = true;
    show("inbox");
  });
  byId("conversations").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) showThread(button.dataset.from);
  });
  byId("back-to-inbox").addEventListener("click", () => show("inbox"));
  byId("go-home").addEventListener("click", () => show("home"));
  notice.addEventListener("click", () => showThread(notice.dataset.from));
  watchPhone(base, location.search, {
    onState,
    onLocked: askForSecret,
    onLink(linked) {
      screen.classList.toggle("offline", !linked);
      byId("network").textContent = linked ? "Practice network" : "No network";
    },
  });
}

start();
