import { dayAndTime } from "./times.js";

const ASK_EVERY_MS = 5_000;

const mailboxes = document.getElementById("mailboxes");
const summary = document.getElementById("summary");
const unlock = document.getElementById("unlock");
let shown = "";

async function refresh() {
  const response = await fetch("/mail/emails").catch(() => undefined);
  unlock.hidden = response?.status !== 401;
  if (response?.status === 401) summary.textContent = "";
  if (!response?.ok) return;
  const { emails } = await response.json();
  const ids = emails.map(({ id }) => id).join();
  if (ids === shown && summary.dataset.ready) return;
  shown = ids;
  summary.dataset.ready = "";
  summary.textContent = emails.length
    ? "Everything that was emailed to anyone, the latest first."
    : "No emails yet. They appear here by themselves.";
  render(emails);
}

function render(emails) {
  const open = new Set([...mailboxes.querySelectorAll("details[open]")].map(({ id }) => id));
  const byAddress = Map.groupBy(emails, ({ to }) => to);
  mailboxes.replaceChildren(
    ...[...byAddress].map(([address, letters]) =>
      element("section", { className: "mailbox" }, [
        element("h2", { textContent: address }),
        element(
          "div",
          { className: "letters" },
          letters.map((letter) => details(letter, open)),
        ),
      ]),
    ),
  );
}

function details({ id, from, subject, text, html, at }, open) {
  return element("details", { id: `letter-${id}`, open: open.has(`letter-${id}`) }, [
    element("summary", {}, [
      element("span", { className: "subject", textContent: subject }),
      element("time", { dateTime: at, textContent: dayAndTime(new Date(at)) }),
      element("span", { className: "letter-from", textContent: from }),
    ]),
    element("div", { className: "letter", textContent: text || plain(html) }),
  ]);
}

/** The words of an email that came as HTML alone. */
const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.innerText.trim();

function element(name, properties, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

unlock.addEventListener("submit", async (event) => {
  event.preventDefault();
  const secret = document.getElementById("secret").value;
  const response = await fetch("/unlock", { method: "POST", body: JSON.stringify({ secret }) });
  if (!response.ok) summary.textContent = "That is not the secret.";
  else await refresh();
});

refresh();
setInterval(refresh, ASK_EVERY_MS);
