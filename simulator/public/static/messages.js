import { clockTime, dayAndTime, shortTime } from "./times.js";

const conversations = document.getElementById("conversations");
const empty = document.getElementById("no-messages");
const bubbles = document.getElementById("bubbles");
const unread = document.getElementById("unread");
const openButton = document.getElementById("open-messages");

let messages = [];
let openSender;
let read = new Set();

/** Takes the phone's messages and returns those that are new since the last time. */
export function takeMessages(latest) {
  const known = new Set(messages.map(({ id }) => id));
  const arrived = latest.filter(({ id }) => !known.has(id));
  messages = latest;
  if (openSender) markRead(openSender);
  render();
  return arrived;
}

/** What has come before the page was opened counts as read. */
export function markAllRead() {
  read = new Set(messages.map(({ id }) => id));
  render();
}

/** Opens the conversation with this sender. */
export function openThread(sender) {
  openSender = sender;
  document.getElementById("thread-from").textContent = sender;
  markRead(sender);
  render();
  bubbles.scrollTop = bubbles.scrollHeight;
}

export function closeThread() {
  openSender = undefined;
}

function markRead(sender) {
  for (const message of messages) if (message.from === sender) read.add(message.id);
}

function render() {
  const latestBySender = new Map();
  for (const message of messages) {
    latestBySender.delete(message.from);
    latestBySender.set(message.from, message);
  }
  conversations.replaceChildren(...[...latestBySender.values()].reverse().map(conversation));
  empty.hidden = messages.length > 0;
  renderUnread();
  if (openSender) renderThread();
}

function renderUnread() {
  const count = messages.filter(({ id }) => !read.has(id)).length;
  unread.hidden = count === 0;
  unread.textContent = count > 99 ? "99+" : String(count);
  openButton.setAttribute("aria-label", count === 0 ? "Messages" : `Messages, ${count} unread`);
}

function conversation({ from, text, at, id }) {
  const button = element("button", { type: "button" }, [
    element("span", { className: "face", textContent: from.replace(/^\+/, "").slice(0, 1).toUpperCase() }),
    element("span", { className: "conversation-from", textContent: from }),
    element("span", { className: "conversation-time", textContent: shortTime(new Date(at)) }),
    element("span", { className: "conversation-text", textContent: text }),
  ]);
  button.dataset.from = from;
  button.classList.toggle("new", !read.has(id));
  return element("li", {}, [button]);
}

function renderThread() {
  const atEnd = bubbles.scrollHeight - bubbles.scrollTop - bubbles.clientHeight < 40;
  let lastTime = 0;
  const items = messages
    .filter(({ from }) => from === openSender)
    .map(({ text, at }) => {
      const date = new Date(at);
      const item = element("li", {}, [element("p", { textContent: text })]);
      if (date - lastTime > 10 * 60_000) item.prepend(element("time", { textContent: dayAndTime(date) }));
      item.title = clockTime(date);
      lastTime = date;
      return item;
    });
  bubbles.replaceChildren(...items);
  if (atEnd) bubbles.scrollTop = bubbles.scrollHeight;
}

function element(name, properties, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
